//! ABI of the dispute contracts, as far as the tests speak it.

use alloy_sol_types::sol;
use trestle_challenger as challenger;

sol! {
    #[derive(Debug)]
    struct Proposal {
        bytes32 outputRoot;
        bytes32 batchAcc;
        bytes32 anchorRoot;
        uint64 batch;
        uint64 anchorBatch;
        uint64 l2BlockNumber;
    }

    #[derive(Debug)]
    struct Header {
        bytes32 parent;
        uint8 level;
        uint8 segment;
        uint64 lo;
        uint64 hi;
        bytes32 start;
        bytes32 points;
    }

    #[derive(Debug)]
    struct Segment {
        uint8 index;
        bytes32 start;
        bytes32 end;
        bytes32[7] startProof;
        bytes32[7] endProof;
    }

    #[derive(Debug)]
    struct Claim {
        address claimant;
        uint32 madeAt;
        uint32 used;
        uint32 ordinal;
        uint32 children;
        uint32 undecided;
        uint32 bestOrdinal;
        uint8 bestSegment;
        uint8 status;
        bool isSettled;
    }

    #[derive(Debug)]
    struct GameConfig {
        uint32 gameType;
        address factory;
        address registry;
        address inbox;
        address verifier;
        bytes32 configHash;
        bytes32 imageRoot;
        bytes32 previousImageRoot;
        uint64 imageFromBatch;
        uint32 maxClock;
        uint32 extension;
        uint64 stepCap;
        uint32 inclusionTime;
        uint256 bondMin;
        uint256 stepRefund;
    }

    #[derive(Debug)]
    struct Program {
        uint64 haltAt;
        uint64 exitCode;
        bytes32 output;
    }

    function setProgram(bytes32 batchAcc, Program program);
    function setCount(uint64 count);
    function setImplementation(uint32 gameType, address implementation);
    function acceptGameType(uint32 gameType);
    function create(uint32 gameType, Proposal proposal, bytes32 messagePasserRoot, bytes headerRlp) returns (address game);
    function gameCount() returns (uint256);

    function counter(Header parent, Segment segment, bytes32[] points, bytes machineEnd) returns (bytes32 claim);
    function step(Header header, Segment segment, bytes witness);
    function decide(Header header) returns (uint8 status);
    function resolve() returns (uint8 status);
    function settle(Header header, Header best);
    function claimCredit(address account);
    function credit(address account) returns (uint256);
    function claims(bytes32 claim) returns (Claim);
    function bondOf(Header header) returns (uint256);
    function deadlineOf(Header header) returns (uint256);
    function status() returns (uint8);
    function resolvedAt() returns (uint64);
    function rootHeader() returns (Header);
    function l2SequenceNumber() returns (uint256);

    function updateAnchor(address game);
    function contradiction(address first, address second);
    function clearContradiction();
    function retireGameType(uint32 gameType);
    function isGameFinal(address game) returns (bool);
    function isStopped() returns (bool);
    function anchor() returns (uint64 batch, bytes32 root);

    function execute(address target, uint256 value, bytes data) returns (bool ok, bytes result);

    event Moved(bytes32 indexed claim, bytes32 indexed parent, address indexed claimant, Header header, bytes32[] points);
    event MoveRepeated(bytes32 indexed claim, address indexed sender, uint256 value);
    event Decided(bytes32 indexed claim, uint8 status);
    event Stepped(bytes32 indexed claim, uint256 segment, bytes32 post, address indexed sender);
    event Settled(bytes32 indexed claim, address indexed payee, uint256 paid, uint256 burned);

    error BatchBeyondInbox(uint64 batch, uint64 count);
    error BondMismatch(uint256 expected, uint256 got);
    error BlockNumberMismatch(uint256 expected, uint64 got);
    error EndNotContradicted(bytes32 end);
    error GameAlreadyExists(address game);
}

impl From<&challenger::Header> for Header {
    fn from(h: &challenger::Header) -> Self {
        Self {
            parent: h.parent,
            level: h.level.code(),
            segment: h.segment,
            lo: h.lo,
            hi: h.hi,
            start: h.start,
            points: h.points,
        }
    }
}

impl From<&Header> for challenger::Header {
    fn from(h: &Header) -> Self {
        Self {
            parent: h.parent,
            level: challenger::Level::from_code(h.level).unwrap(),
            segment: h.segment,
            lo: h.lo,
            hi: h.hi,
            start: h.start,
            points: h.points,
        }
    }
}

impl From<&challenger::Segment> for Segment {
    fn from(s: &challenger::Segment) -> Self {
        Self {
            index: s.index,
            start: s.start,
            end: s.end,
            startProof: s.start_proof,
            endProof: s.end_proof,
        }
    }
}

/// Claim status of its number in an event.
pub(crate) fn status_of(code: u8) -> challenger::ClaimStatus {
    match code {
        0 => challenger::ClaimStatus::Open,
        1 => challenger::ClaimStatus::Stands,
        2 => challenger::ClaimStatus::Falls,
        other => panic!("claim status {other}"),
    }
}
