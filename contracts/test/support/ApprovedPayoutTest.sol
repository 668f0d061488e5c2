// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ApprovedPayoutVault} from "../../src/ApprovedPayoutVault.sol";
import {vm} from "./Vm.sol";

/// @notice A vault with an operator and an approver, and what tests of it share.
abstract contract ApprovedPayoutTest {
    address internal constant OWNER = address(0xC01D);
    address internal constant OPERATOR = address(0x0BE8A7);
    address internal constant NATIVE = address(0);
    uint256 internal constant KEY = 0xA99;
    uint256 internal constant NOW = 1_700_000_000;
    uint256 internal constant DEADLINE = NOW + 30 minutes;

    ApprovedPayoutVault internal vault;

    /// @dev The signature of a batch, in the short form of EIP-2098.
    struct Approval {
        bytes32 r;
        bytes32 vs;
    }

    function setUp() public virtual {
        vm.warp(NOW);
        vault = new ApprovedPayoutVault(OWNER);
        vm.prank(OWNER);
        vault.setOperator(OPERATOR, true);
        vm.prank(OWNER);
        vault.setApprover(vm.addr(KEY));
    }

    function approve(uint256 sequence, address token, bytes32[] memory payments)
        internal
        view
        returns (Approval memory)
    {
        return signed(KEY, vault.digestOf(OPERATOR, sequence, token, payments, DEADLINE));
    }

    function signed(uint256 key, bytes32 digest) internal pure returns (Approval memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return Approval(r, s | bytes32(uint256(v - 27) << 255));
    }

    function payNative(uint256 sequence, bytes32[] memory payments, Approval memory approval) internal {
        vm.prank(OPERATOR);
        vault.payNative(sequence, payments, DEADLINE, approval.r, approval.vs);
    }

    function pack(address to, uint256 amount) internal pure returns (bytes32) {
        return bytes32(bytes20(to)) | bytes32(uint256(uint96(amount)));
    }

    function someone(uint256 i) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("recipient", i)))));
    }

    function batch(uint256 count, uint256 amount) internal pure returns (bytes32[] memory payments) {
        payments = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            payments[i] = pack(someone(i), amount);
        }
    }
}
