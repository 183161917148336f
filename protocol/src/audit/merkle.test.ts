import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { emptyRoot, Frontier, growthFits, leafOf, proveConsistency, proveInclusion, rootByInclusion, rootsOver } from './merkle';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** The eight leaves and the roots that the implementations of RFC 6962 are tested with. */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(hex);
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const many = Array.from({ length: 70 }, (_, i) => leafOf(createHash('sha256').update(String(i)).digest()));

function rootOf(size: number): Buffer {
  return size === 0 ? emptyRoot : rootsOver(many)(0, size);
}

function edgeOf(size: number): Frontier {
  const edge = new Frontier();
  for (const leaf of many.slice(0, size)) edge.append(leaf);
  return edge;
}

describe('the tree of RFC 6962', () => {
  it('has the published roots', () => {
    assert.equal(emptyRoot.toString('hex'), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    const edge = new Frontier();
    inputs.forEach((input, i) => {
      edge.append(leafOf(input));
      assert.equal(edge.root().toString('hex'), roots[i]);
      assert.equal(rootsOver(inputs.map(leafOf))(0, i + 1).toString('hex'), roots[i]);
    });
  });

  it('gives the published consistency proof from 1 to 8', () => {
    assert.deepEqual(
      proveConsistency(1, 8, rootsOver(inputs.map(leafOf))).map((one) => one.toString('hex')),
      ['96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7', '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e', '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4'],
    );
  });

  it('proves every leaf of every size, and no leaf at another place', () => {
    for (let size = 1; size <= many.length; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const proof = proveInclusion(index, size, rootsOver(many));
        const leaf = many[index] ?? emptyRoot;
        assert.deepEqual(rootByInclusion(leaf, index, size, proof), rootOf(size));
        const other = (index + 1) % size;
        if (size > 1) assert.notDeepEqual(rootByInclusion(leaf, other, size, proof), rootOf(size));
        assert.notDeepEqual(rootByInclusion(many[other] ?? emptyRoot, index, size, proof), size === 1 ? emptyRoot : rootOf(size));
      }
    }
  });

  it('proves every growth, and none after a change of any of its parts', () => {
    for (let size = 0; size <= many.length; size += 1) {
      for (let old = 0; old <= size; old += 1) {
        const proof = proveConsistency(old, size, rootsOver(many));
        const growth = { old, oldRoot: rootOf(old), size, root: rootOf(size) };
        assert.equal(growthFits(growth, proof), true, `${old} to ${size}`);
        if (old > 0) assert.equal(growthFits({ ...growth, oldRoot: emptyRoot }, proof), false);
        if (old > 0 && old < size) assert.equal(growthFits({ ...growth, root: emptyRoot }, proof), false);
        if (old > 0) assert.equal(growthFits(growth, [...proof, emptyRoot]), false);
        if (proof.length > 0) assert.equal(growthFits(growth, proof.slice(1)), false);
        proof.forEach((_, i) => assert.equal(growthFits(growth, proof.with(i, emptyRoot)), false));
      }
    }
  });

  it('grows and proves growth from the edge of the smaller tree and the leaves after it', () => {
    for (const size of [2, 7, 8, 33, 64, 70]) {
      for (let old = 1; old < size; old += 1) {
        const edge = edgeOf(old);
        const proof = proveConsistency(old, size, rootsOver(many.slice(old, size), edge));
        assert.deepEqual(proof, proveConsistency(old, size, rootsOver(many)));
        assert.deepEqual(new Frontier(old, edge.hashes).root(), rootOf(old));
      }
    }
  });

  it('refuses edges, ranges and proofs of a wrong form', () => {
    assert.throws(() => new Frontier(3, [emptyRoot]), RangeError);
    assert.throws(() => rootsOver(many)(0, 71), RangeError);
    assert.throws(() => proveInclusion(3, 3, rootsOver(many)), RangeError);
    assert.throws(() => proveConsistency(4, 3, rootsOver(many)), RangeError);
    assert.equal(rootByInclusion(emptyRoot, 0, 2, [Buffer.alloc(31)]), undefined);
    assert.equal(rootByInclusion(emptyRoot, 0, 2, []), undefined);
    assert.equal(rootByInclusion(emptyRoot, -1, 2, [emptyRoot]), undefined);
    assert.equal(growthFits({ old: 2, oldRoot: emptyRoot, size: 1, root: emptyRoot }, []), false);
  });

  it('counts beyond 2 to the 32nd', () => {
    const size = 2 ** 33 + 1;
    const edge = new Frontier(size, [rootOf(3), rootOf(5)]);
    edge.append(many[0] ?? emptyRoot);
    assert.equal(edge.size, size + 1);
    assert.equal(edge.hashes.length, 2);
  });
});
