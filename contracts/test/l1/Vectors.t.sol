// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.t.sol";
import {Aliasing} from "../../src/l1/Aliasing.sol";
import {BatchRange, DepositRequest, InboxCodec, OperatorParams} from "../../src/l1/InboxCodec.sol";

/// @notice The library behind calls: chunked hashes take calldata, headers name the caller's address.
contract Codec {
    function chunked(bytes calldata data) external pure returns (bytes32) {
        return InboxCodec.chunked(data);
    }

    function calldataHeader(BatchRange memory range, bytes calldata payload)
        external
        view
        returns (bytes memory)
    {
        return InboxCodec.calldataHeader(range, InboxCodec.chunked(payload), uint32(payload.length));
    }

    function blobHeader(BatchRange memory range, bytes32[] memory hashes)
        external
        view
        returns (bytes memory)
    {
        return InboxCodec.blobHeader(range, hashes);
    }

    function forcedHeader(BatchRange memory range) external view returns (bytes memory) {
        return InboxCodec.forcedHeader(range);
    }
}

/// @notice The layouts against `tests/vectors/inbox`, which a third implementation wrote.
contract VectorsTest is Base {
    string private json;
    string private prefix;

    function test_entries_matchVectors_succeeds() public {
        json = vm.readFile("../tests/vectors/inbox/entries.json");
        Codec codec = new Codec();
        bytes32 acc;
        for (uint256 i = 0; i < _uint(".count"); ++i) {
            _case(i);
            vm.roll(_uint("number"));
            vm.warp(_uint("time"));
            bytes memory entry = _entry(codec);
            acc = InboxCodec.accumulate(acc, entry);
            assertEq(keccak256(entry), keccak256(_bytes("entry")), string.concat("entry ", prefix));
            assertEq(acc, _word("acc"), string.concat("accumulator ", prefix));
        }
        assertEq(_uint("cumGas"), 49_850_000, "all six cases were read");
    }

    function test_headers_matchVectors_succeeds() public {
        json = vm.readFile("../tests/vectors/inbox/headers.json");
        uint256 seen;
        for (uint256 i = 0; i < _uint(".count"); ++i) {
            _case(i);
            address inbox = vm.parseJsonAddress(json, string.concat(prefix, "inbox"));
            if (inbox.code.length == 0) vm.etch(inbox, type(Codec).runtimeCode);
            vm.chainId(_uint("l1ChainId"));
            vm.roll(_uint("l1Number"));
            vm.warp(_uint("l1Time"));
            bytes memory header = _headerOf(Codec(inbox));
            assertEq(
                keccak256(header), keccak256(_bytes("header")), string.concat("header ", prefix)
            );
            ++seen;
        }
        assertEq(seen, 6, "headers of every kind");
    }

    function test_rule_26_chunked_matchesVectors_succeeds() public {
        json = vm.readFile("../tests/vectors/inbox/chunked.json");
        Codec codec = new Codec();
        for (uint256 i = 0; i < _uint(".count"); ++i) {
            _case(i);
            bytes32 hash = codec.chunked(_pattern(_uint("length")));
            assertEq(hash, _word("hash"), string.concat("hash ", prefix));
        }
    }

    function test_aliasing_matchesVectors_succeeds() public {
        json = vm.readFile("../tests/vectors/inbox/aliasing.json");
        for (uint256 i = 0; i < _uint(".count"); ++i) {
            _case(i);
            address l1 = vm.parseJsonAddress(json, string.concat(prefix, "l1"));
            address l2 = vm.parseJsonAddress(json, string.concat(prefix, "l2"));
            assertEq(Aliasing.applyAlias(l1), l2, string.concat("alias ", prefix));
        }
    }

    function _headerOf(Codec codec) private view returns (bytes memory) {
        uint256 kind = _uint("kind");
        if (kind == 0) return codec.calldataHeader(_range(), _pattern(_uint("payloadLength")));
        if (kind == 2) return codec.forcedHeader(_range());
        bytes32[] memory hashes = vm.parseJsonBytes32Array(json, string.concat(prefix, "blobs"));
        return codec.blobHeader(_range(), hashes);
    }

    function _entry(Codec codec) private returns (bytes memory) {
        bytes32 kind = keccak256(bytes(vm.parseJsonString(json, string.concat(prefix, "type"))));
        if (kind == keccak256("deposit")) return _depositEntry(codec);
        if (kind == keccak256("operator")) return InboxCodec.operatorEntry(_operator());
        vm.fee(_uint("baseFee"));
        _setBlobBaseFee(_uint("blobBaseFee"));
        vm.prevrandao(_word("prevrandao"));
        vm.setBlockhash(block.number - 1, _word("parentHash"));
        return InboxCodec.attributesEntry();
    }

    /// @dev The cheatcode takes a fee or, as some versions of Foundry do, an excess of blob gas that gives a
    /// fee; both grow with it.
    function _setBlobBaseFee(uint256 fee) private {
        uint256 low = 1;
        uint256 high = 1e8;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            vm.blobBaseFee(middle);
            if (_blobBaseFee() < fee) low = middle + 1;
            else high = middle;
        }
        vm.blobBaseFee(low);
        assertEq(_blobBaseFee(), fee, "blob base fee can be set");
    }

    function _blobBaseFee() private view returns (uint256) {
        return block.blobbasefee;
    }

    function _depositEntry(Codec codec) private view returns (bytes memory) {
        uint256 length = _uint("dataLength");
        DepositRequest memory deposit = DepositRequest({
            from: vm.parseJsonAddress(json, string.concat(prefix, "from")),
            to: vm.parseJsonAddress(json, string.concat(prefix, "to")),
            isCreation: vm.parseJsonBool(json, string.concat(prefix, "isCreation")),
            mint: _uint("mint"),
            value: _uint("value"),
            gasLimit: uint64(_uint("gasLimit"))
        });
        return InboxCodec.depositEntry(deposit, uint32(length), codec.chunked(_pattern(length)));
    }

    function _operator() private view returns (OperatorParams memory) {
        return OperatorParams({
            userGasLimit: uint64(_uint("userGasLimit")),
            dataScalar: uint32(_uint("dataScalar")),
            dataKinds: uint8(_uint("dataKinds")),
            minFloor: uint128(_uint("minFloor")),
            batcher: vm.parseJsonAddress(json, string.concat(prefix, "batcher"))
        });
    }

    function _range() private view returns (BatchRange memory) {
        return BatchRange({
            index: uint64(_uint("index")),
            depositFrom: uint64(_uint("depositFrom")),
            depositTo: uint64(_uint("depositTo")),
            depositAcc: _word("depositAcc"),
            claimedEndBlockHash: _word("claimedEndBlockHash")
        });
    }

    /// @dev Bytes that differ from chunk to chunk, as the generator of the vectors makes them.
    function _pattern(uint256 length) private pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            data[i] = bytes1(uint8(i * 31 + (i >> 8)));
        }
    }

    function _case(uint256 i) private {
        prefix = string.concat(".cases[", vm.toString(i), "].");
    }

    function _uint(string memory field) private view returns (uint256) {
        bool top = bytes(field)[0] == ".";
        return vm.parseJsonUint(json, top ? field : string.concat(prefix, field));
    }

    function _word(string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(prefix, field));
    }

    function _bytes(string memory field) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(prefix, field));
    }
}
