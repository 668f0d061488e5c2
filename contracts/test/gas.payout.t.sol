// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestUSDC} from "../src/dev/TestUSDC.sol";
import {PayoutTest} from "./support/PayoutTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice Gas per recipient of whole transactions, 21,000 and call data included (an isolated call is a
/// transaction of its own). The floor is what the gas schedule asks of the last recipient of an endless batch:
/// call data, cold account or slot, value transfer, storage write and the token's log.
contract GasPayoutTest is PayoutTest {
    uint256 private constant FLOOR_NATIVE = 9732;
    uint256 private constant FLOOR_TOKEN_HOLDER = 7440;
    uint256 private constant FLOOR_TOKEN_FRESH = 24_540;

    uint256 private constant WEI_EACH = 12_345_670_000_000_001;
    uint256 private constant UNITS_EACH = 1_234_567_890;

    TestUSDC private usdc;

    function setUp() public override {
        super.setUp();
        usdc = new TestUSDC();
        usdc.mint(address(vault), 1e15);
        vm.deal(address(vault), 1000 ether);
        // The first batch of an operator writes its sequence number into an empty word; later ones do not.
        vm.prank(OPERATOR);
        vault.payNative(0, new bytes32[](0));
    }

    function test_NativeExisting() public {
        vm.snapshotValue("payoutPerRecipient", "native existing, N=001", nativePerRecipient(1));
        vm.snapshotValue("payoutPerRecipient", "native existing, N=010", nativePerRecipient(10));
        uint256 gas = nativePerRecipient(100);
        vm.snapshotValue("payoutPerRecipient", "native existing, N=100", gas);

        vm.assertLe(gas * 100, FLOOR_NATIVE * 106, "native is more than 1.06 of its floor");
    }

    function test_TokenFresh() public {
        vm.snapshotValue("payoutPerRecipient", "token fresh, N=001", tokenPerRecipient(1, 0));
        vm.snapshotValue("payoutPerRecipient", "token fresh, N=010", tokenPerRecipient(10, 1000));
        uint256 gas = tokenPerRecipient(100, 2000);
        vm.snapshotValue("payoutPerRecipient", "token fresh, N=100", gas);

        vm.assertLe(gas * 100, FLOOR_TOKEN_FRESH * 106, "a fresh token holder is more than 1.06 of the floor");
    }

    function test_TokenHolder() public {
        tokenPerRecipient(100, 0);

        vm.snapshotValue("payoutPerRecipient", "token holder, N=001", tokenPerRecipient(1, 0));
        vm.snapshotValue("payoutPerRecipient", "token holder, N=010", tokenPerRecipient(10, 0));
        uint256 gas = tokenPerRecipient(100, 0);
        vm.snapshotValue("payoutPerRecipient", "token holder, N=100", gas);

        vm.assertLe(gas * 100, FLOOR_TOKEN_HOLDER * 120, "a token holder is more than 1.20 of the floor");
    }

    function nativePerRecipient(uint256 count) private returns (uint256) {
        bytes32[] memory payments = paymentsOf(count, 0, WEI_EACH);
        for (uint256 i; i < count; ++i) {
            vm.deal(address(bytes20(payments[i])), 1);
        }
        uint256 sequence = vault.seq(OPERATOR);
        vm.prank(OPERATOR);
        vault.payNative(sequence, payments);
        return gasOfLastCall() / count;
    }

    function tokenPerRecipient(uint256 count, uint256 first) private returns (uint256) {
        bytes32[] memory payments = paymentsOf(count, first, UNITS_EACH);
        uint256 sequence = vault.seq(OPERATOR);
        vm.prank(OPERATOR);
        vault.payToken(address(usdc), sequence, payments);
        return gasOfLastCall() / count;
    }

    function paymentsOf(uint256 count, uint256 first, uint256 amount) private pure returns (bytes32[] memory) {
        bytes32[] memory payments = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            payments[i] = pack(someone(first + i), amount);
        }
        return payments;
    }

    function gasOfLastCall() private view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }
}
