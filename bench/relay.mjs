// What the shape of a broker costs by itself: the same processes in the same order as a call through Conductor, with nothing done in them.
// `broker SOCKET ECHO [LOG]` reads each line, parses it and writes it on; with LOG it appends an entry's worth of bytes before, and makes it
// durable. `pipe SOCKET` passes bytes on.
import { spawn } from 'node:child_process';
import { fdatasync, openSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [role, address, echo, log] = process.argv.slice(2);
const entry = Buffer.alloc(700, 'x');

function relay(from, to, descriptor) {
  let rest = '';
  from.setEncoding('utf8');
  from.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      const pass = () => to.write(`${JSON.stringify(message)}\n`);
      if (descriptor === undefined) pass();
      else {
        writeSync(descriptor, entry);
        fdatasync(descriptor, pass);
      }
    }
  });
}

if (role === 'pipe') {
  const socket = connect(address);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  socket.on('close', () => process.exit(0));
} else {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const child = spawn(process.execPath, [echo], { stdio: ['pipe', 'pipe', 'ignore'] });
    const descriptor = log === undefined ? undefined : openSync(log, 'a');
    relay(socket, child.stdin, descriptor);
    relay(child.stdout, socket, descriptor);
    socket.on('error', () => undefined);
    socket.on('close', () => process.exit(0));
  }).listen(address, () => process.stdout.write('listening\n'));
  server.on('error', () => process.exit(1));
}
