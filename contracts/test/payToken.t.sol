// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutVault} from "../src/PayoutVault.sol";
import {TestUSDC} from "../src/dev/TestUSDC.sol";
import {BlacklistToken} from "./mocks/BlacklistToken.sol";
import {FalseReturnToken} from "./mocks/FalseReturnToken.sol";
import {FeeToken} from "./mocks/FeeToken.sol";
import {GasBurner} from "./mocks/GasBurner.sol";
import {HookToken} from "./mocks/HookToken.sol";
import {NoReturnToken} from "./mocks/NoReturnToken.sol";
import {ReentrantRecipient} from "./mocks/ReentrantRecipient.sol";
import {ReturnBomb} from "./mocks/ReturnBomb.sol";
import {RevertingRecipient} from "./mocks/RevertingRecipient.sol";
import {ThirstyRecipient} from "./mocks/ThirstyRecipient.sol";
import {PayoutTest} from "./support/PayoutTest.sol";
import {vm} from "./support/Vm.sol";

contract PayTokenTest is PayoutTest {
    event Paid(address indexed operator, uint256 indexed seq, address indexed token, uint256 count, uint256 failed);
    event Failed(uint256 indexed seq, bytes32 payment);

    TestUSDC private usdc;

    function setUp() public override {
        super.setUp();
        usdc = new TestUSDC();
        usdc.mint(address(vault), 1e12);
    }

    function test_PaysEveryRecipient() public {
        bytes32[] memory payments = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            payments[i] = pack(someone(i), i + 1);
        }

        vm.expectEmit(address(vault));
        emit Paid(OPERATOR, 0, address(usdc), 3, 0);
        pay(address(usdc), 0, payments);

        for (uint256 i; i < 3; ++i) {
            vm.assertEq(usdc.balanceOf(someone(i)), i + 1);
        }
        vm.assertEq(vault.seq(OPERATOR), 1);
    }

    function test_NumbersAreSharedWithNativeBatches() public {
        pay(address(usdc), 0, one(pack(someone(1), 1)));

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.WrongSequence.selector, 1, 0));
        vm.prank(OPERATOR);
        vault.payNative(0, one(pack(someone(1), 0)));
    }

    function test_TokenWithoutReturnValue() public {
        NoReturnToken token = new NoReturnToken();
        token.mint(address(vault), 100);

        expectPaid(address(token), 1, 0);
        pay(address(token), 0, one(pack(someone(1), 100)));

        vm.assertEq(token.balanceOf(someone(1)), 100);
    }

    function test_TokenReturningFalseIsAFailure() public {
        FalseReturnToken token = new FalseReturnToken();
        token.mint(address(vault), 100);
        token.refuse(someone(1), true);

        expectFailed(pack(someone(1), 100));
        expectPaid(address(token), 1, 1);
        pay(address(token), 0, one(pack(someone(1), 100)));
    }

    function test_FailureOfOneTokenDoesNotLeakIntoTheNextAnswer() public {
        FalseReturnToken token = new FalseReturnToken();
        token.mint(address(vault), 100);
        token.refuse(someone(1), true);
        bytes32[] memory payments = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            payments[i] = pack(someone(i), 10);
        }

        expectFailed(payments[1]);
        expectPaid(address(token), 3, 1);
        pay(address(token), 0, payments);
    }

    function test_BlacklistedRecipientIsPassedOver() public {
        BlacklistToken token = new BlacklistToken();
        token.mint(address(vault), 100);
        token.blacklist(someone(0), true);
        bytes32[] memory payments = new bytes32[](2);
        payments[0] = pack(someone(0), 50);
        payments[1] = pack(someone(1), 50);

        expectFailed(payments[0]);
        expectPaid(address(token), 2, 1);
        pay(address(token), 0, payments);

        vm.assertEq(token.balanceOf(someone(1)), 50);
        vm.assertEq(token.balanceOf(address(vault)), 50);
    }

    function test_PausedTokenFailsEveryPaymentAndKeepsTheMoney() public {
        BlacklistToken token = new BlacklistToken();
        token.mint(address(vault), 100);
        token.pause(true);

        expectFailed(pack(someone(1), 100));
        pay(address(token), 0, one(pack(someone(1), 100)));

        vm.assertEq(token.balanceOf(address(vault)), 100);
    }

    function test_FeeOnTransfer_TheRecipientGetsLess() public {
        FeeToken token = new FeeToken();
        token.mint(address(vault), 100);

        pay(address(token), 0, one(pack(someone(1), 100)));

        vm.assertEq(token.balanceOf(someone(1)), 99);
    }

    function test_HooksThatFailArePassedOver() public {
        HookToken token = new HookToken();
        token.mint(address(vault), 100);
        bytes32[] memory payments = new bytes32[](4);
        payments[0] = pack(address(new RevertingRecipient()), 10);
        payments[1] = pack(address(new GasBurner()), 10);
        payments[2] = pack(address(new ReturnBomb()), 10);
        payments[3] = pack(someone(1), 10);

        expectFailed(payments[0]);
        expectFailed(payments[1]);
        expectFailed(payments[2]);
        expectPaid(address(token), 4, 3);
        pay(address(token), 0, payments);

        vm.assertEq(token.balanceOf(address(vault)), 90);
    }

    function test_HookThatCallsBackGetsNothingMore() public {
        HookToken token = new HookToken();
        token.mint(address(vault), 100);
        ReentrantRecipient thief = new ReentrantRecipient();
        bytes32[] memory payments = one(pack(address(thief), 10));
        thief.aim(address(vault), abi.encodeCall(vault.payToken, (address(token), 1, payments)));

        pay(address(token), 0, payments);

        vm.assertTrue(thief.called());
        vm.assertFalse(thief.succeeded());
        vm.assertEq(token.balanceOf(address(thief)), 10);
    }

    function test_RevertIf_CallerIsNotAnOperator() public {
        vm.expectRevert(abi.encodeWithSelector(PayoutVault.NotOperator.selector, address(this)));
        vault.payToken(address(usdc), 0, one(pack(someone(1), 1)));
    }

    function test_RevertIf_TokenHasNoCode() public {
        vm.expectRevert(abi.encodeWithSelector(PayoutVault.TokenHasNoCode.selector, someone(9)));
        pay(someone(9), 0, one(pack(someone(1), 1)));
    }

    function test_RevertIf_FundsAreTooSmallForTheSum() public {
        bytes32[] memory payments = new bytes32[](2);
        payments[0] = pack(someone(0), 6e11);
        payments[1] = pack(someone(1), 6e11);

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.NotEnoughFunds.selector, address(usdc), 1e12, 12e11));
        pay(address(usdc), 0, payments);
    }

    /// @dev With any gas limit the batch either reverts or pays, also a recipient that refuses when it does not get
    /// all the gas it is promised.
    function testFuzz_TooLittleGasIsNotAFailure(uint256 gasLimit) public {
        gasLimit = 30_000 + gasLimit % 500_000;
        HookToken token = new HookToken();
        address thirsty = address(new ThirstyRecipient());
        token.mint(address(vault), 2);
        bytes32[] memory payments = new bytes32[](2);
        payments[0] = pack(someone(0), 1);
        payments[1] = pack(thirsty, 1);

        vm.prank(OPERATOR);
        try vault.payToken{gas: gasLimit}(address(token), 0, payments) {
            vm.assertEq(token.balanceOf(thirsty), 1);
        } catch {
            vm.assertEq(vault.seq(OPERATOR), 0);
        }
    }

    function testFuzz_PaysWhatTheWordsSay(uint160[6] calldata to, uint96[6] calldata amounts) public {
        bytes32[] memory payments = new bytes32[](6);
        uint256 sum;
        for (uint256 i; i < 6; ++i) {
            payments[i] = pack(address(uint160(uint256(keccak256(abi.encode(to[i], i))))), amounts[i]);
            sum += amounts[i];
        }
        usdc.mint(address(vault), sum);

        pay(address(usdc), 0, payments);

        vm.assertEq(usdc.balanceOf(address(vault)), 1e12);
        for (uint256 i; i < 6; ++i) {
            vm.assertEq(usdc.balanceOf(address(bytes20(payments[i]))), amounts[i]);
        }
    }

    function expectFailed(bytes32 payment) private {
        vm.expectEmit(address(vault));
        emit Failed(0, payment);
    }

    function expectPaid(address token, uint256 count, uint256 failed) private {
        vm.expectEmit(address(vault));
        emit Paid(OPERATOR, 0, token, count, failed);
    }

    function pay(address token, uint256 sequence, bytes32[] memory payments) private {
        vm.prank(OPERATOR);
        vault.payToken(token, sequence, payments);
    }
}
