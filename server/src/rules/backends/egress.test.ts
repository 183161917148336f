import assert from 'node:assert/strict';
import { addressFlaw, destinationOf, isListed, isPrivate } from './egress';

describe('rules/backends/egress', () => {
  const list = ['api.example.com:443', '*.wide.example', '10.1.2.3:8080', 'localhost:3000'];
  const goes = (url: string): boolean => {
    const to = destinationOf(url);
    return to !== undefined && isListed(list, to);
  };

  it('T70: only the canonical host counts, whatever is written around it', () => {
    for (const url of ['https://api.example.com/mcp', 'https://API.example.com./', 'https://a.wide.example/', 'http://10.1.2.3:8080/', 'http://167838211:8080/', 'http://0x0a010203:8080/', 'http://localhost:3000/x']) assert.equal(goes(url), true, url);
    for (const url of [
      'https://evil.com#.example.com/', 'https://evil.com/api.example.com', 'https://api.example.com.evil.com/', 'https://api.example.com@evil.com/', 'https://user@api.example.com/', 'https://evil.com\\@api.example.com/',
      'https://wide.example/', 'https://evilwide.example/', 'https://api.example.com:444/', 'http://api.example.com/', 'http://10.1.2.3/', 'ftp://api.example.com/', 'file:///etc/passwd', 'https://api.example.com%00.evil.com/', 'http://[::1]:3000/', 'http://localhost:3001/',
    ]) assert.equal(goes(url), false, url);
  });

  it('T70: addresses of private networks are told from those of the internet, in every notation', () => {
    for (const address of ['127.0.0.1', '10.0.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '::1', '::', 'fe80::1', 'fe80::1%eth0', 'fd00::1', '::ffff:10.0.0.1', '::ffff:a00:1', '64:ff9b::a00:1', '2002:a00:1::', '2001:db8::1', 'ff02::1', '1.2.3', 'nonsense']) assert.equal(isPrivate(address), true, address);
    for (const address of ['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::101:101']) assert.equal(isPrivate(address), false, address);
  });

  it('T70: a listed name that leads to a private address is refused, unless that address is listed or it is this machine by name', () => {
    const flaw = (host: string, port: number, address: string): boolean => addressFlaw(list, { host, port }, address) !== undefined;
    assert.equal(flaw('api.example.com', 443, '93.184.216.34'), false);
    assert.equal(flaw('api.example.com', 443, '127.0.0.1'), true);
    assert.equal(flaw('api.example.com', 443, '169.254.169.254'), true);
    assert.equal(flaw('api.example.com', 8080, '10.1.2.3'), false);
    assert.equal(flaw('10.1.2.3', 8080, '10.1.2.3'), false);
    assert.equal(flaw('localhost', 3000, '127.0.0.1'), false);
    assert.equal(flaw('localhost', 3000, '10.0.0.1'), true);
    assert.equal(addressFlaw(['*'], { host: 'x.example', port: 80 }, '10.0.0.1') !== undefined, true);
  });
});
