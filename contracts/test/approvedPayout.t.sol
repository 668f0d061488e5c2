// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ApprovedPayoutVault} from "../src/ApprovedPayoutVault.sol";
import {PayoutVault} from "../src/PayoutVault.sol";
import {TestUSDC} from "../src/dev/TestUSDC.sol";
import {ReentrantRecipient} from "./mocks/ReentrantRecipient.sol";
import {ApprovedPayoutTest} from "./support/ApprovedPayoutTest.sol";
import {vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

contract ApprovedPayoutVaultTest is ApprovedPayoutTest {
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    event ApproverSet(address indexed approver);
    event Paid(address indexed operator, uint256 indexed seq, address indexed token, uint256 count, uint256 failed);

    TestUSDC private usdc;

    function setUp() public override {
        super.setUp();
        usdc = new TestUSDC();
        usdc.mint(address(vault), 1e15);
        vm.deal(address(vault), 1000 ether);
    }

    function test_PaysNativeCoinThatBothKeysAgreeOn() public {
        bytes32[] memory payments = batch(3, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);

        vm.expectEmit(address(vault));
        emit Paid(OPERATOR, 0, NATIVE, 3, 0);
        payNative(0, payments, approval);

        vm.assertEq(someone(2).balance, 1 ether);
        vm.assertEq(vault.seq(OPERATOR), 1);
    }

    function test_PaysTokensThatBothKeysAgreeOn() public {
        bytes32[] memory payments = batch(3, 5e6);
        Approval memory approval = approve(0, address(usdc), payments);

        payToken(address(usdc), 0, payments, approval);

        vm.assertEq(usdc.balanceOf(someone(2)), 5e6);
        vm.assertEq(vault.seq(OPERATOR), 1);
    }

    /// @dev The digest is EIP-712's, written out here from the standard's text.
    function testFuzz_DigestIsTheStandards(address operator, uint256 sequence, address token, uint256 deadline)
        public
        view
    {
        bytes32[] memory payments = batch(3, 7);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Mizan payout vault"),
                keccak256("1"),
                block.chainid,
                address(vault)
            )
        );
        bytes32 content = keccak256(
            abi.encode(
                keccak256(
                    "Payout(address operator,uint256 sequence,address token,bytes32[] payments,uint256 deadline)"
                ),
                operator,
                sequence,
                token,
                keccak256(bytes.concat(payments[0], payments[1], payments[2])),
                deadline
            )
        );
        vm.assertEq(
            vault.digestOf(operator, sequence, token, payments, deadline),
            keccak256(bytes.concat(hex"1901", domain, content))
        );
    }

    function testFuzz_RevertIf_AnotherKeySigned(uint256 key) public {
        key = 1 + key % (CURVE_ORDER - 1);
        vm.assume(key != KEY);
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory forged = signed(key, vault.digestOf(OPERATOR, 0, NATIVE, payments, DEADLINE));

        vm.expectRevert(abi.encodeWithSelector(ApprovedPayoutVault.NotApproved.selector, vm.addr(key)));
        payNative(0, payments, forged);

        vm.assertEq(address(vault).balance, 1000 ether);
    }

    function testFuzz_RevertIf_SignatureIsNoise(bytes32 r, bytes32 vs) public {
        bytes32[] memory payments = batch(2, 1 ether);

        vm.expectRevert();
        payNative(0, payments, Approval(r, vs));

        vm.assertEq(address(vault).balance, 1000 ether);
    }

    function testFuzz_RevertIf_AnyWordIsAnother(uint256 place, bytes32 word) public {
        bytes32[] memory payments = batch(4, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);
        place %= 4;
        vm.assume(payments[place] != word);
        payments[place] = word;

        vm.expectRevert();
        payNative(0, payments, approval);
    }

    function test_RevertIf_PaymentsAreFewerOrMore() public {
        Approval memory approval = approve(0, NATIVE, batch(4, 1 ether));

        vm.expectRevert();
        payNative(0, batch(3, 1 ether), approval);
        vm.expectRevert();
        payNative(0, batch(5, 1 ether), approval);
        vm.expectRevert();
        payNative(0, new bytes32[](0), approval);
    }

    function test_RevertIf_BatchIsRepeated() public {
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);
        payNative(0, payments, approval);

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.WrongSequence.selector, 1, 0));
        payNative(0, payments, approval);
        vm.expectRevert();
        payNative(1, payments, approval);

        vm.assertEq(someone(0).balance, 1 ether);
    }

    function testFuzz_RevertIf_ApprovalIsForAnotherSequenceNumber(uint256 sequence) public {
        vm.assume(sequence != 0);
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(sequence, NATIVE, payments);

        vm.expectRevert();
        payNative(0, payments, approval);
        vm.expectRevert(abi.encodeWithSelector(PayoutVault.WrongSequence.selector, 0, sequence));
        payNative(sequence, payments, approval);
    }

    function test_RevertIf_ApprovalIsForAnotherOperator() public {
        vm.prank(OWNER);
        vault.setOperator(address(this), true);
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);

        vm.expectRevert();
        vault.payNative(0, payments, DEADLINE, approval.r, approval.vs);
    }

    function test_RevertIf_ApprovalIsForAnotherToken() public {
        bytes32[] memory payments = batch(2, 1e6);
        TestUSDC other = new TestUSDC();
        other.mint(address(vault), 1e15);
        Approval memory native = approve(0, NATIVE, payments);
        Approval memory token = approve(0, address(usdc), payments);

        vm.expectRevert();
        payToken(address(usdc), 0, payments, native);
        vm.expectRevert();
        payNative(0, payments, token);
        vm.expectRevert();
        payToken(address(other), 0, payments, token);
        vm.expectRevert(abi.encodeWithSelector(PayoutVault.TokenHasNoCode.selector, NATIVE));
        payToken(NATIVE, 0, payments, native);
    }

    function test_RevertIf_ApprovalIsForAnotherVault() public {
        ApprovedPayoutVault other = new ApprovedPayoutVault(OWNER);
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = signed(KEY, other.digestOf(OPERATOR, 0, NATIVE, payments, DEADLINE));

        vm.expectRevert();
        payNative(0, payments, approval);
    }

    function test_RevertIf_ApprovalIsForAnotherChain() public {
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);

        vm.chainId(137);
        vm.expectRevert();
        payNative(0, payments, approval);
    }

    function testFuzz_RevertIf_DeadlineIsAnother(uint256 deadline) public {
        vm.assume(deadline != DEADLINE);
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);

        vm.expectRevert();
        vm.prank(OPERATOR);
        vault.payNative(0, payments, deadline, approval.r, approval.vs);
    }

    function test_RevertIf_ApprovalExpired_AndNotASecondBefore() public {
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);

        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(ApprovedPayoutVault.ApprovalExpired.selector, DEADLINE));
        payNative(0, payments, approval);

        vm.warp(DEADLINE);
        payNative(0, payments, approval);
        vm.assertEq(vault.seq(OPERATOR), 1);
    }

    /// @dev The other point with the same x: the same key and digest, a higher `s`. The short form has no room for
    /// it but where `s` reaches into the bit of the parity, and there it must not pass for another signature.
    function testFuzz_RevertIf_SignatureIsTheOtherOfTheTwo(uint96 amount) public {
        bytes32[] memory payments = batch(1, 1 + amount % 1 ether);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, vault.digestOf(OPERATOR, 0, NATIVE, payments, DEADLINE));
        bytes32 high = bytes32(CURVE_ORDER - uint256(s));
        bytes32 low = high & bytes32(type(uint256).max >> 1);

        vm.expectRevert();
        payNative(0, payments, Approval(r, high));
        vm.expectRevert();
        payNative(0, payments, Approval(r, low | bytes32(uint256(28 - v) << 255)));
        vm.expectRevert();
        payNative(0, payments, Approval(r, s | bytes32(uint256(28 - v) << 255)));
    }

    function test_RevertIf_SIsInTheUpperHalf() public {
        bytes32[] memory payments = batch(1, 1 ether);
        bytes32 high = bytes32(CURVE_ORDER / 2 + 1);

        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        payNative(0, payments, Approval(bytes32(uint256(1)), high));
    }

    function test_RevertIf_OperatorIsShutOut_AlthoughItIsApproved() public {
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);
        vm.prank(OWNER);
        vault.setOperator(OPERATOR, false);

        vm.expectRevert(abi.encodeWithSelector(PayoutVault.NotOperator.selector, OPERATOR));
        payNative(0, payments, approval);
    }

    function test_RevertIf_CallerIsNotTheOperator_AlthoughItHasTheApproval() public {
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);

        vm.expectRevert();
        vault.payNative(0, payments, DEADLINE, approval.r, approval.vs);
        vm.expectRevert();
        vm.prank(vm.addr(KEY));
        vault.payNative(0, payments, DEADLINE, approval.r, approval.vs);
    }

    function test_RevertIf_NoApprovalIsGiven() public {
        vm.expectRevert(ApprovedPayoutVault.ApprovalIsNeeded.selector);
        vm.prank(OPERATOR);
        vault.payNative(0, batch(1, 1));

        vm.expectRevert(ApprovedPayoutVault.ApprovalIsNeeded.selector);
        vm.prank(OPERATOR);
        vault.payToken(address(usdc), 0, batch(1, 1));
    }

    function test_RevertIf_ThereIsNoApprover() public {
        vm.prank(OWNER);
        vault.setApprover(address(0));
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);

        vm.expectRevert(abi.encodeWithSelector(ApprovedPayoutVault.NotApproved.selector, vm.addr(KEY)));
        payNative(0, payments, approval);
        vm.expectRevert(ECDSA.ECDSAInvalidSignature.selector);
        payNative(0, payments, Approval(0, 0));
    }

    function test_ANewApproverEndsWhatTheOldOneApproved() public {
        bytes32[] memory payments = batch(2, 1 ether);
        Approval memory old = approve(0, NATIVE, payments);
        uint256 key = 0xB0B;

        vm.expectEmit(address(vault));
        emit ApproverSet(vm.addr(key));
        vm.prank(OWNER);
        vault.setApprover(vm.addr(key));

        vm.expectRevert(abi.encodeWithSelector(ApprovedPayoutVault.NotApproved.selector, vm.addr(KEY)));
        payNative(0, payments, old);
        payNative(0, payments, signed(key, vault.digestOf(OPERATOR, 0, NATIVE, payments, DEADLINE)));
        vm.assertEq(someone(1).balance, 1 ether);
    }

    function test_RevertIf_OneKeyWouldDoForBoth() public {
        vm.expectRevert(abi.encodeWithSelector(ApprovedPayoutVault.OneKeyForBoth.selector, OPERATOR));
        vm.prank(OWNER);
        vault.setApprover(OPERATOR);

        vm.expectRevert(abi.encodeWithSelector(ApprovedPayoutVault.OneKeyForBoth.selector, vm.addr(KEY)));
        vm.prank(OWNER);
        vault.setOperator(vm.addr(KEY), true);

        vm.prank(OWNER);
        vault.setOperator(vm.addr(KEY), false);
        vm.assertFalse(vault.isOperator(vm.addr(KEY)));
    }

    function testFuzz_RevertIf_CallerIsNotTheOwner(address caller) public {
        vm.assume(caller != OWNER);
        bytes memory refusal = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller);

        vm.expectRevert(refusal);
        vm.prank(caller);
        vault.setApprover(caller);
        vm.expectRevert(refusal);
        vm.prank(caller);
        vault.setOperator(caller, true);
    }

    function test_RecipientThatCallsBackCannotRepeatTheBatch() public {
        ReentrantRecipient thief = new ReentrantRecipient();
        vm.prank(OWNER);
        vault.setOperator(address(thief), true);
        bytes32[] memory payments = new bytes32[](1);
        payments[0] = pack(address(thief), 1 ether);
        Approval memory approval = approve(0, NATIVE, payments);
        thief.aim(
            address(vault),
            abi.encodeWithSignature(
                "payNative(uint256,bytes32[],uint256,bytes32,bytes32)", 0, payments, DEADLINE, approval.r, approval.vs
            )
        );

        payNative(0, payments, approval);

        vm.assertLe(address(thief).balance, 1 ether);
        vm.assertFalse(thief.succeeded());
        vm.assertEq(vault.seq(address(thief)), 0);
    }

    function payToken(address token, uint256 sequence, bytes32[] memory payments, Approval memory approval) private {
        vm.prank(OPERATOR);
        vault.payToken(token, sequence, payments, DEADLINE, approval.r, approval.vs);
    }
}
