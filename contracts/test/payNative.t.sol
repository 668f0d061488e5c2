// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutVault} from "../src/PayoutVault.sol";
import {GasBurner} from "./mocks/GasBurner.sol";
import {NoReceive} from "./mocks/NoReceive.sol";
import {ReentrantRecipient} from "./mocks/ReentrantRecipient.sol";
import {ReturnBomb} from "./mocks/ReturnBomb.sol";
import {RevertingRecipient} from "./mocks/RevertingRecipient.sol";
import {ThirstyRecipient} from "./mocks/ThirstyRecipient.sol";
import {PayoutTest} from "./support/PayoutTest.sol";
import {vm} from "./support/Vm.sol";

contract PayNativeTest is PayoutTest {
    event Paid(address indexed operator, uint256 indexed seq, address indexed token, uint256 count, uint256 failed);
    event Failed(uint256 indexed seq, bytes32 payment);

    function setUp() public override {
        super.setUp();
        vm.deal(address(vault), 1000 ether);
    }

    function test_PaysEveryRecipient() public {
        bytes32[] memory payments = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            payments[i] = pack(someone(i), i + 1);
        }

        vm.expectEmit(address(vault));
        emit Paid(OPERATOR, 0, NATIVE, 3, 0);
        pay(0, payments);

        for (uint256 i; i < 3; ++i) {
            vm.assertEq(someone(i).balance, i + 1);
        }
        vm.assertEq(vault.seq(OPERATOR), 1);
    }

    function test_FailingRecipientsAreLoggedAndPassedOver() public {
        address[4] memory bad = [
            address(new RevertingRecipient()),
            address(new GasBurner()),
            address(new ReturnBomb()),
            address(new NoReceive())
        ];
        bytes32[] memory payments = new bytes32[](6);
        for (uint256 i; i < 4; ++i) {
            payments[i] = pack(bad[i], 1 ether);
        }
        payments[4] = pack(someone(1), 1 ether);
        payments[5] = pack(address(new ThirstyRecipient()), 1 ether);

        for (uint256 i; i < 4; ++i) {
            vm.expectEmit(address(vault));
            emit Failed(0, payments[i]);
        }
        vm.expectEmit(address(vault));
        emit Paid(OPERATOR, 0, NATIVE, 6, 4);
        pay(0, payments);

        vm.assertEq(someone(1).balance, 1 ether);
        vm.assertEq(address(vault).balance, 998 ether);
    }

    function test_BadRecipientsCostNoMoreThanTheirCap() public {
        bytes32[] memory payments = new bytes32[](10);
        for (uint256 i; i < 10; ++i) {
            payments[i] = pack(i % 2 == 0 ? address(new GasBurner()) : address(new ReturnBomb()), 1);
        }

        pay(0, payments);

        uint256 perRecipient = vault.NATIVE_GAS_MAX() + 2300 + 13_000;
        vm.assertLe(vm.lastCallGas().gasTotalUsed, 40_000 + 10 * perRecipient);
    }

    function test_RecipientThatCallsBackGetsNothingMore() public {
        ReentrantRecipient thief = new ReentrantRecipient();
        bytes32[] memory payments = one(pack(address(thief), 1 ether));
        thief.aim(address(vault), abi.encodeCall(vault.payNative, (1, payments)));

        pay(0, payments);

        vm.assertEq(address(thief).balance + address(vault).balance, 1000 ether);
        vm.assertLe(address(thief).balance, 1 ether);
        vm.assertEq(vault.seq(OPERATOR), 1);
    }

    /// @dev Even a recipient that is itself an operator finds the caller's number used, and its own apart.
    function test_RecipientThatIsAnOperatorCannotRepeatTheBatch() public {
        ReentrantRecipient operator = new ReentrantRecipient();
        vm.prank(OWNER);
        vault.setOperator(address(operator), true);
        bytes32[] memory none = new bytes32[](0);
        operator.aim(address(vault), abi.encodeCall(vault.payNative, (5, none)));

        pay(0, one(pack(address(operator), 1 ether)));

        vm.assertFalse(operator.succeeded());
        vm.assertEq(vault.seq(address(operator)), 0);
    }

    function test_EmptyBatchUsesTheNumber() public {
        pay(0, new bytes32[](0));
        vm.assertEq(vault.seq(OPERATOR), 1);
    }

    function test_RevertIf_CallerIsNotAnOperator() public {
        vm.expectRevert(abi.encodeWithSelector(PayoutVault.NotOperator.selector, address(this)));
        vault.payNative(0, one(pack(someone(1), 1)));
    }

    function test_RevertIf_OperatorWasShutOut_AndItsNumberSurvives() public {
        pay(0, one(pack(someone(1), 1)));
        vm.prank(OWNER);
        vault.setOperator(OPERATOR, false);

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.NotOperator.selector, OPERATOR));
        pay(1, one(pack(someone(1), 1)));

        vm.prank(OWNER);
        vault.setOperator(OPERATOR, true);
        vm.expectRevert(abi.encodeWithSelector(PayoutVault.WrongSequence.selector, 1, 0));
        pay(0, one(pack(someone(1), 1)));
    }

    function test_RevertIf_BatchIsRepeated() public {
        bytes32[] memory payments = one(pack(someone(1), 1));
        pay(0, payments);

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.WrongSequence.selector, 1, 0));
        pay(0, payments);

        vm.assertEq(someone(1).balance, 1);
    }

    function testFuzz_RevertIf_SequenceIsAnyOther(uint256 sequence) public {
        vm.assume(sequence != 0);

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.WrongSequence.selector, 0, sequence));
        pay(sequence, one(pack(someone(1), 1)));
    }

    function test_RevertIf_FundsRunOut_AndNobodyIsPaid() public {
        bytes32[] memory payments = new bytes32[](2);
        payments[0] = pack(someone(0), 600 ether);
        payments[1] = pack(someone(1), 600 ether);

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.NotEnoughFunds.selector, NATIVE, 400 ether, 600 ether));
        pay(0, payments);

        vm.assertEq(someone(0).balance, 0);
        vm.assertEq(vault.seq(OPERATOR), 0);
    }

    /// @dev With any gas limit the batch either reverts or pays: too little gas is never logged as a failure of a
    /// recipient, not even of one that refuses when it does not get all it is promised.
    function testFuzz_TooLittleGasIsNotAFailure(uint256 gasLimit) public {
        gasLimit = 30_000 + gasLimit % 250_000;
        address thirsty = address(new ThirstyRecipient());
        bytes32[] memory payments = new bytes32[](2);
        payments[0] = pack(someone(1), 1);
        payments[1] = pack(thirsty, 1);

        vm.prank(OPERATOR);
        try vault.payNative{gas: gasLimit}(0, payments) {
            vm.assertEq(thirsty.balance, 1);
        } catch {
            vm.assertEq(vault.seq(OPERATOR), 0);
        }
    }

    function testFuzz_PaysWhatTheWordsSay(uint160[6] calldata to, uint64[6] calldata amounts) public {
        bytes32[] memory payments = new bytes32[](6);
        uint256 sum;
        for (uint256 i; i < 6; ++i) {
            address account = address(uint160(uint256(keccak256(abi.encode(to[i], i)))));
            payments[i] = pack(account, amounts[i]);
            sum += amounts[i];
        }
        vm.deal(address(vault), sum);

        pay(0, payments);

        vm.assertEq(address(vault).balance, 0);
        for (uint256 i; i < 6; ++i) {
            vm.assertEq(address(bytes20(payments[i])).balance, amounts[i]);
        }
    }

    function pay(uint256 sequence, bytes32[] memory payments) private {
        vm.prank(OPERATOR);
        vault.payNative(sequence, payments);
    }
}
