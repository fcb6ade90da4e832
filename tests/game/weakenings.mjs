// The dispute contracts with one rule taken out each: source edits, applied by `compile.mjs`. Every edit must
// match its file exactly once, so none outlives a change of the contracts unnoticed. The attack that each rule
// stops is in `src/weakened.rs` under the same name.
const game = (name, ...edits) => ({ name, file: 'DisputeGame', edits });
const registry = (name, ...edits) => ({ name, file: 'AnchorRegistry', edits });
const drop = (text) => [text, ''];

export const weakenings = [
  game('same-end', drop('if (points[points.length - 1] == segment.end) revert EndNotContradicted(segment.end);')),
  game(
    'same-output-at-entry',
    drop('if ((halted && exitCode == 0 ? output : bytes32(0)) == rejected) revert EndNotContradicted(rejected);'),
  ),
  game('output-after-failure', drop('if (points[i - 1] == 0 && points[i] != 0) revert OutputAfterFailure(i);')),
  game('start-is-failure', drop('if (child.start == 0) revert StartIsFailure();')),
  game('panic-refutes-nothing', [
    'if ((halted && exitCode == 0 ? output : bytes32(0)) == rejected)',
    'if ((halted && exitCode == 0 ? output : bytes32(0)) == rejected || (halted && exitCode != 0))',
  ]),
  game('running-refutes-nothing', [
    'if ((halted && exitCode == 0 ? output : bytes32(0)) == rejected)',
    'if ((halted && exitCode == 0 ? output : bytes32(0)) == rejected || !halted)',
  ]),
  game(
    'identity-by-end',
    ['mapping(ClaimId => Claim) internal _claims;', 'mapping(ClaimId => Claim) internal _claims; mapping(bytes32 => ClaimId) internal _byEnd;'],
    [
      'claim = _idOf(child);\n',
      `claim = _idOf(child);
        bytes32 place = keccak256(abi.encode(parentId, child.segment, points[points.length - 1]));
        if (ClaimId.unwrap(_byEnd[place]) == 0) _byEnd[place] = claim;
        claim = _byEnd[place];\n`,
    ],
  ),
  game('identity-by-position', [
    'return ClaimId.wrap(keccak256(abi.encode(address(this), header)));',
    'return ClaimId.wrap(keccak256(abi.encode(address(this), header.level, header.segment, header.lo, header.hi)));',
  ]),
  game('repeat-keeps-value', drop('credit[msg.sender] += msg.value;\n')),
  game('flat-bonds', ['return bondMin * 5 ** moves / 4 ** moves;', 'return bondMin * 5 ** moves / 5 ** moves;']),
  game('rising-bonds', [
    'return bondMin * 5 ** moves / 4 ** moves;',
    'return bondMin * 5 ** (9 - moves) / 4 ** (9 - moves);',
  ]),
  game('bond-unpaid', drop('_takeBond(_bond(child.level, child.hi - child.lo));')),
  game('nothing-burned', ['uint256 burned = bond / BURN_DIVISOR;', 'uint256 burned = 0;']),
  game('first-come-payout', ['if (best == 0 || isLefter) {', 'isLefter; if (best == 0) {']),
  game('any-payee', [
    'if (best.parent != claim || b.ordinal != c.bestOrdinal)',
    'if (best.parent != claim || b.status != ClaimStatus.STANDS)',
  ]),
  game('step-pays-sender', [
    'stepRefund, _claims[header.parent].claimant);',
    'stepRefund, msg.sender);',
  ]),
  game('claimant-is-origin', ['c.claimant = msg.sender;', 'c.claimant = tx.origin;']),
  game('undecided-ignored', [
    'if (block.timestamp < deadline || c.undecided != 0) revert',
    'if (block.timestamp < deadline) revert',
  ]),
  game('early-decision', [
    'if (block.timestamp < deadline || c.undecided != 0) revert',
    'if (c.undecided != 0) revert',
  ]),
  game('late-moves', drop('if (block.timestamp >= deadline) revert DeadlinePassed(deadline);')),
  game('decided-reopens', drop('if (s != ClaimStatus.OPEN) revert ClaimDecided(claim, s);')),
  game('no-extension', ['Math.max(extension, left);', 'left;']),
  game('clock-of-opponent', ['c.used = (_claims[grandparentId].used', 'grandparentId; c.used = (parent.used']),
  game('clock-starts-afresh', [
    'c.used = (_claims[grandparentId].used + elapsed',
    'grandparentId; c.used = (elapsed',
  ]),
  game('fall-waits-for-siblings', ['if (c.bestOrdinal != 0) {', 'if (c.bestOrdinal != 0 && c.undecided == 0) {']),
  game('step-needs-no-contradiction', drop('if (post == segment.end) revert StepConfirmsClaim(post);')),
  game('start-unproven', [
    'else if (!Dissection.isUnder(header.points, index - 1, segment.start, segment.startProof)) {',
    'else if (segment.start == 0) {',
  ]),
  game('end-unproven', [
    'if (!Dissection.isUnder(header.points, index, segment.end, segment.endProof)) {',
    'if (segment.end == 0) {',
  ]),
  game('segment-beyond', drop('if (index >= count) revert NoSuchSegment(index, count);')),
  game('settled-twice', ['|| c.isSettled || c.undecided != 0', '|| c.undecided != 0']),
  game('credit-not-cleared', drop('credit[account] = 0;\n')),
  game('beyond-inbox', drop('if (p.batch > count) revert BatchBeyondInbox(p.batch, count);')),
  game('any-accumulator', drop('if (acc != p.batchAcc) revert BatchAccMismatch(acc, p.batchAcc);')),
  game('any-anchor', drop('if (batch != p.anchorBatch || root != p.anchorRoot) revert AnchorMismatch(batch, root);')),
  game('any-height', drop('if (number != p.l2BlockNumber) revert BlockNumberMismatch(number, p.l2BlockNumber);')),
  game('any-preimage', drop('if (root != p.outputRoot) revert OutputRootMismatch(p.outputRoot, root);')),
  game(
    'any-length',
    drop('if (length > Dissection.MAX_BATCHES) revert TooManyBatches(length, Dissection.MAX_BATCHES);'),
  ),
  registry('no-air-gap', drop('if (block.timestamp < until) revert AirGapRuns(until);')),
  registry('anchor-backward', drop('if (p.batch <= _anchorBatch) revert AnchorNotForward(_anchorBatch, p.batch);')),
  registry('stop-on-agreement', ['|| a.outputRoot == b.outputRoot)', ')']),
  registry('stop-ignored', ['if (isStopped || !isGameProper(game)) return false;', 'if (!isGameProper(game)) return false;']),
  registry('cleared-games-count', drop('_voidUntil = uint64(block.timestamp);')),
  registry('countered-counts', ['|| _isCountered(game)) return 0;', ') return 0;']),
  registry('no-air-gap-undecided', ['? 0 : deadline + airGap;', '? 0 : deadline;']),
  registry('retired-counts', ['&& (a.until == 0 || created < a.until);', ';']),
];
