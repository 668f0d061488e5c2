// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestUSDC} from "../src/dev/TestUSDC.sol";
import {ApprovedPayoutTest} from "./support/ApprovedPayoutTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice Gas per recipient of whole transactions with the approver's signature, beside gas.payout.t.sol.
contract GasApprovedPayoutTest is ApprovedPayoutTest {
    uint256 private constant FLOOR_NATIVE = 9732;
    uint256 private constant FLOOR_TOKEN_HOLDER = 7440;
    uint256 private constant WEI_EACH = 12_345_670_000_000_001;
    uint256 private constant UNITS_EACH = 1_234_567_890;

    TestUSDC private usdc;

    function setUp() public override {
        super.setUp();
        usdc = new TestUSDC();
        usdc.mint(address(vault), 1e15);
        vm.deal(address(vault), 1000 ether);
        // The first batch of an operator writes its sequence number into an empty word; later ones do not.
        bytes32[] memory none = new bytes32[](0);
        payNative(0, none, approve(0, NATIVE, none));
    }

    function test_NativeExisting() public {
        vm.snapshotValue("approvedPayoutPerRecipient", "approved native existing, N=001", nativePerRecipient(1));
        vm.snapshotValue("approvedPayoutPerRecipient", "approved native existing, N=010", nativePerRecipient(10));
        uint256 gas = nativePerRecipient(100);
        vm.snapshotValue("approvedPayoutPerRecipient", "approved native existing, N=100", gas);

        vm.assertLe(gas * 100, FLOOR_NATIVE * 106, "approved native is more than 1.06 of its floor");
    }

    function test_TokenHolder() public {
        tokenPerRecipient(100);

        vm.snapshotValue("approvedPayoutPerRecipient", "approved token holder, N=001", tokenPerRecipient(1));
        vm.snapshotValue("approvedPayoutPerRecipient", "approved token holder, N=010", tokenPerRecipient(10));
        uint256 gas = tokenPerRecipient(100);
        vm.snapshotValue("approvedPayoutPerRecipient", "approved token holder, N=100", gas);

        vm.assertLe(gas * 100, FLOOR_TOKEN_HOLDER * 121, "an approved token holder is more than 1.21 of the floor");
    }

    function nativePerRecipient(uint256 count) private returns (uint256) {
        bytes32[] memory payments = batch(count, WEI_EACH);
        for (uint256 i; i < count; ++i) {
            vm.deal(someone(i), 1);
        }
        uint256 sequence = vault.seq(OPERATOR);
        payNative(sequence, payments, approve(sequence, NATIVE, payments));
        return vm.lastCallGas().gasTotalUsed / count;
    }

    function tokenPerRecipient(uint256 count) private returns (uint256) {
        bytes32[] memory payments = batch(count, UNITS_EACH);
        uint256 sequence = vault.seq(OPERATOR);
        Approval memory approval = approve(sequence, address(usdc), payments);
        vm.prank(OPERATOR);
        vault.payToken(address(usdc), sequence, payments, DEADLINE, approval.r, approval.vs);
        return vm.lastCallGas().gasTotalUsed / count;
    }
}
