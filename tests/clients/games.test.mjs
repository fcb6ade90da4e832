// Dispute games as viem's op-stack actions read them: over the stack's own Inbox, with real blocks of L2.
//
// The deployment is one of this file's own, with clocks of seconds, so that no proposer of the stack comes between.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { encodeAbiParameters, hexToBigInt, keccak256, numberToHex, parseEventLogs, slice, zeroHash } from 'viem';
import { getGame, getGames, getTimeToNextGame, waitForNextGame } from 'viem/op-stack';
import { account, artifact, l1, l1Chain, l1Client, l1Wallet, l2Chain, l2Client, l2Wallet, range } from './lib/clients.mjs';

/** What `trestle deploy` takes by default: "TRST". */
const GAME_TYPE = 0x54525354;
/** Seconds. */
const EXTENSION = 4;
const CLOCK = 4;
const AIR_GAP = 2;
const BOND_MIN = 4n ** 9n * 1000n;
/** Time for what the stack does by itself, in milliseconds. */
const LIMIT = 60_000;
const SENDER = 8;

const factoryAbi = artifact('DisputeGameFactory').abi;
const registryAbi = artifact('AnchorRegistry').abi;
const gameAbi = artifact('DisputeGame').abi;
const inbox = { address: l1.contracts.Inbox, abi: artifact('Inbox').abi };
const wallet = l1Wallet(SENDER);
const owner = account(SENDER).address;

async function mined(hash) {
  const receipt = await l1Client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  return receipt;
}

async function deployOnL1(name, args = []) {
  const { abi, bytecode } = artifact(name);
  const { contractAddress } = await mined(await wallet.deployContract({ abi, bytecode, args }));
  return contractAddress;
}

/** Polls until `probe` gives something. */
async function eventually(what, probe) {
  for (const end = Date.now() + LIMIT; Date.now() < end; ) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${what}: not within ${LIMIT} ms`);
}

/** The output root of a block of L2, with what proves it. */
async function outputOf(blockHash) {
  const block = await l2Client.getBlock({ blockHash });
  const header = await l2Client.request({ method: 'debug_getRawHeader', params: [numberToHex(block.number)] });
  assert.equal(keccak256(header), blockHash);
  const preimage = [zeroHash, block.stateRoot, block.withdrawalsRoot, blockHash];
  const words = preimage.map(() => ({ type: 'bytes32' }));
  return { root: keccak256(encodeAbiParameters(words, preimage)), passer: block.withdrawalsRoot, header, number: block.number };
}

/** Batches of the Inbox whose last block is known: index, accumulator, hash of the block. */
async function batches() {
  const logs = await l1Client.getLogs({ address: inbox.address, fromBlock: 0n, toBlock: 'latest' });
  return parseEventLogs({ abi: inbox.abi, logs, eventName: 'BatchAppended' })
    .map(({ args }) => ({ index: args.index, acc: args.acc, end: slice(args.header, 102, 134) }))
    .filter(({ end }) => end !== zeroHash);
}

/** A batch that ends at or after `block`, with the output root of its last block. */
async function batchFrom(block) {
  return eventually('a batch', async () => {
    for (const batch of await batches()) {
      const output = await outputOf(batch.end);
      if (output.number >= block) return { ...batch, output };
    }
    return null;
  });
}

/** Makes L2 seal a block; gives its number. */
async function newBlock() {
  const hash = await l2Wallet(SENDER).sendTransaction({ to: owner, value: 1n });
  return (await l2Client.waitForTransactionReceipt({ hash })).blockNumber;
}

describe('dispute games', { timeout: 4 * LIMIT }, () => {
  let factory;
  let registry;
  let anchorRoot;
  let target;
  const games = [];

  before(async () => {
    const genesis = await l2Client.getBlock({ blockNumber: 0n });
    anchorRoot = (await outputOf(genesis.hash)).root;
    factory = await deployOnL1('DisputeGameFactory', [owner]);
    registry = await deployOnL1('AnchorRegistry', [owner, factory, BigInt(AIR_GAP), 0n, anchorRoot]);
    const config = {
      gameType: GAME_TYPE,
      factory,
      registry,
      inbox: inbox.address,
      verifier: await deployOnL1('RiscvStepVerifier'),
      configHash: keccak256('0x01'),
      imageRoot: keccak256('0x02'),
      previousImageRoot: zeroHash,
      imageFromBatch: 0n,
      maxClock: CLOCK,
      extension: EXTENSION,
      stepCap: 250_000_000n,
      inclusionTime: 1,
      bondMin: BOND_MIN,
      stepRefund: BOND_MIN / 8n,
    };
    const implementation = await deployOnL1('DisputeGame', [config]);
    await mined(await wallet.writeContract({ address: registry, abi: registryAbi, functionName: 'acceptGameType', args: [GAME_TYPE] }));
    await mined(
      await wallet.writeContract({ address: factory, abi: factoryAbi, functionName: 'setImplementation', args: [GAME_TYPE, implementation] }),
    );
    // viem asks a portal for the respected game type; the registry answers the same question.
    target = {
      ...l2Chain,
      contracts: {
        ...l2Chain.contracts,
        portal: { [l1Chain.id]: { address: registry } },
        disputeGameFactory: { [l1Chain.id]: { address: factory } },
      },
    };
  });

  /** Proposes the output of a batch as of one of its blocks. */
  async function propose(batch, output) {
    const proposal = {
      outputRoot: output.root,
      batchAcc: batch.acc,
      anchorRoot,
      batch: batch.index,
      anchorBatch: 0n,
      l2BlockNumber: output.number,
    };
    const digits = batch.index === 1n ? 0 : Math.ceil(Math.log(Number(batch.index)) / Math.log(128) - 1e-9);
    const moves = BigInt(6 + digits);
    const call = {
      address: factory,
      abi: factoryAbi,
      functionName: 'create',
      args: [GAME_TYPE, proposal, output.passer, output.header],
      value: (BOND_MIN * 5n ** moves) / 4n ** moves,
    };
    const receipt = await mined(await wallet.writeContract(call));
    const [{ args }] = parseEventLogs({ abi: factoryAbi, logs: receipt.logs, eventName: 'DisputeGameCreated' });
    const { timestamp } = await l1Client.getBlock({ blockNumber: receipt.blockNumber });
    games.push({ address: args.disputeProxy, timestamp, proposal, output });
    return games.at(-1);
  }

  const read = (game, functionName, args = []) =>
    l1Client.readContract({ address: game.address, abi: gameAbi, functionName, args });

  it('are none before the first proposal', async () => {
    assert.deepEqual(await getGames(l1Client, { targetChain: target }), []);
    await assert.rejects(getGame(l1Client, { targetChain: target, l2BlockNumber: 0n }), { name: 'GameNotFoundError' });
  });

  it('are found by getGames, newest first, with what their contracts say', async () => {
    for (const _ of range(2)) {
      const batch = await batchFrom(await newBlock());
      await propose(batch, batch.output);
    }
    const found = await getGames(l1Client, { targetChain: target });
    assert.equal(found.length, 2);
    for (const [place, game] of [...games].reverse().entries()) {
      const { index, metadata, timestamp, rootClaim, extraData, l2BlockNumber, usesSuperRoots } = found[place];
      assert.equal(index, BigInt(games.indexOf(game)));
      assert.equal(slice(metadata, 12, 32).toLowerCase(), game.address.toLowerCase());
      assert.equal(hexToBigInt(slice(metadata, 0, 4)), BigInt(GAME_TYPE));
      assert.equal(timestamp, game.timestamp);
      assert.equal(rootClaim, game.output.root);
      assert.equal(l2BlockNumber, game.output.number);
      assert.equal(hexToBigInt(slice(extraData, 0, 32)), game.output.number);
      assert.equal(usesSuperRoots, false);
      assert.equal(await read(game, 'rootClaim'), rootClaim);
      assert.equal(await read(game, 'extraData'), extraData);
      assert.equal(await read(game, 'l2SequenceNumber'), l2BlockNumber);
      assert.equal(await read(game, 'gameType'), GAME_TYPE);
      assert.equal(await read(game, 'gameCreator'), owner);
    }
  });

  it('are filtered by block number, and limited', async () => {
    const [older, newer] = games.map(({ output }) => output.number);
    const numbers = async (parameters) =>
      (await getGames(l1Client, { targetChain: target, ...parameters })).map(({ l2BlockNumber }) => l2BlockNumber);
    assert.deepEqual(await numbers({ l2BlockNumber: older }), [newer, older]);
    assert.deepEqual(await numbers({ l2BlockNumber: older + 1n }), [newer]);
    assert.deepEqual(await numbers({ l2BlockNumber: newer + 1n }), []);
    assert.deepEqual(await numbers({ limit: 1 }), [newer]);
  });

  it('are found by getGame for a block that they cover', async () => {
    const [older, newer] = games.map(({ output }) => output);
    const of = (l2BlockNumber, strategy) => getGame(l1Client, { targetChain: target, l2BlockNumber, strategy });
    assert.equal((await of(older.number)).rootClaim, newer.root);
    assert.equal((await of(newer.number, 'random')).rootClaim, newer.root);
    await assert.rejects(of(newer.number + 1n), { name: 'GameNotFoundError' });
    const { seconds } = await getTimeToNextGame(l1Client, { targetChain: target, l2BlockNumber: newer.number });
    assert.equal(seconds, 0);
  });

  it('are waited for by waitForNextGame', async () => {
    const block = await newBlock();
    const parameters = { targetChain: target, l2BlockNumber: block, pollingInterval: 100 };
    const waiting = waitForNextGame(l1Client, parameters);
    const batch = await batchFrom(block);
    await propose(batch, batch.output);
    const { rootClaim, l2BlockNumber } = await waiting;
    assert.equal(rootClaim, batch.output.root);
    assert.ok(l2BlockNumber >= block);
  });

  it('rule 42: the newest one may be false, and the true one is still listed', async () => {
    const last = games.at(-1);
    const earlier = await l2Client.getBlock({ blockNumber: last.output.number - 1n });
    const lie = await outputOf(earlier.hash);
    const batch = { index: last.proposal.batch, acc: last.proposal.batchAcc };
    await propose(batch, lie);
    const found = await getGames(l1Client, { targetChain: target });
    assert.equal(found[0].rootClaim, lie.root);
    assert.equal(found.find(({ rootClaim }) => rootClaim === last.output.root).l2BlockNumber, last.output.number);
  });

  it('stand when their time is over, and are final after the air gap', async () => {
    const game = games[0];
    const call = { address: game.address, abi: gameAbi, functionName: 'resolve' };
    await eventually('the clock', () => l1Client.simulateContract({ ...call, account: owner }).catch(() => null));
    await mined(await wallet.writeContract(call));
    assert.equal(await read(game, 'status'), 2, 'DEFENDER_WINS');
    assert.equal(await read(game, 'resolvedAt'), game.timestamp + BigInt(CLOCK));
    const isFinal = { address: registry, abi: registryAbi, functionName: 'isGameFinal', args: [game.address] };
    await eventually('the air gap', () => l1Client.readContract(isFinal));
  });

  const { DisputeGameFactory: own, Portal: portal } = l1.contracts;
  it("of the stack's own proposer are found through its Portal", { skip: !own && 'the stack proposes nothing' }, async () => {
    const contracts = { portal: { [l1Chain.id]: { address: portal } }, disputeGameFactory: { [l1Chain.id]: { address: own } } };
    const targetChain = { ...l2Chain, contracts: { ...l2Chain.contracts, ...contracts } };
    const game = await eventually('a game', async () => (await getGames(l1Client, { targetChain, limit: 1 }))[0]);
    const block = await l2Client.getBlock({ blockNumber: game.l2BlockNumber });
    assert.equal((await outputOf(block.hash)).root, game.rootClaim);
    assert.equal((await getGame(l1Client, { targetChain, l2BlockNumber: game.l2BlockNumber })).usesSuperRoots, false);
  });
});
