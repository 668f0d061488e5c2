// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutVault} from "./PayoutVault.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title A payout vault where two keys must agree
/// @notice An operator pays a batch only with the approver's signature over that very batch (EIP-712), so neither
/// key moves anything alone. The approver never sends a transaction. An approval is for one vault on one chain, one
/// operator, one sequence number, one token and one list of payments, until its deadline; the sequence number makes
/// it good for one batch at most.
/// @dev Signatures are in the short form of EIP-2098; of the two values of `s` the higher is refused.
contract ApprovedPayoutVault is PayoutVault, EIP712 {
    bytes32 private constant PAYOUT_TYPE =
        keccak256("Payout(address operator,uint256 sequence,address token,bytes32[] payments,uint256 deadline)");

    /// @notice Whose signature a batch needs; nobody's at first, so that nothing can be paid.
    address public approver;

    /// @notice The approver is another one; approvals of the one before are void.
    event ApproverSet(address indexed approver);

    error ApprovalIsNeeded();
    error ApprovalExpired(uint256 deadline);
    error NotApproved(address signer);
    error OneKeyForBoth(address key);

    /// @param owner the cold owner
    constructor(address owner) PayoutVault(owner) EIP712("Mizan payout vault", "1") {}

    /// @notice Names the approver; the zero address stops all payouts. Owner only.
    /// @dev Reverts with `OneKeyForBoth` for an operator: two keys must agree, not one twice.
    function setApprover(address newApprover) external onlyOwner {
        if (isOperator(newApprover)) revert OneKeyForBoth(newApprover);

        approver = newApprover;
        emit ApproverSet(newApprover);
    }

    /// @inheritdoc PayoutVault
    /// @dev Reverts with `OneKeyForBoth` for the approver.
    function setOperator(address operator, bool allowed) public override onlyOwner {
        if (allowed && operator == approver) revert OneKeyForBoth(operator);

        super.setOperator(operator, allowed);
    }

    /// @notice Pays native coin, as `PayoutVault.payNative` does, with the approver's signature.
    /// @dev Also reverts with `ApprovalExpired`, `NotApproved` or an error of ECDSA.
    function payNative(uint256 sequence, bytes32[] calldata payments, uint256 deadline, bytes32 r, bytes32 vs)
        external
    {
        _requireApproval(sequence, address(0), payments, deadline, r, vs);
        super.payNative(sequence, payments);
    }

    /// @notice Pays an ERC-20 token, as `PayoutVault.payToken` does, with the approver's signature.
    /// @dev Also reverts with `ApprovalExpired`, `NotApproved` or an error of ECDSA.
    function payToken(
        address token,
        uint256 sequence,
        bytes32[] calldata payments,
        uint256 deadline,
        bytes32 r,
        bytes32 vs
    ) external {
        _requireApproval(sequence, token, payments, deadline, r, vs);
        super.payToken(token, sequence, payments);
    }

    /// @notice Always reverts with `ApprovalIsNeeded`.
    function payNative(uint256, bytes32[] calldata) public pure override {
        revert ApprovalIsNeeded();
    }

    /// @notice Always reverts with `ApprovalIsNeeded`.
    function payToken(address, uint256, bytes32[] calldata) public pure override {
        revert ApprovalIsNeeded();
    }

    /// @notice What the approver signs (EIP-712). `token` is the zero address for the native coin.
    function digestOf(address operator, uint256 sequence, address token, bytes32[] calldata payments, uint256 deadline)
        public
        view
        returns (bytes32)
    {
        bytes32 list = keccak256(abi.encodePacked(payments));
        return _hashTypedDataV4(keccak256(abi.encode(PAYOUT_TYPE, operator, sequence, token, list, deadline)));
    }

    function _requireApproval(
        uint256 sequence,
        address token,
        bytes32[] calldata payments,
        uint256 deadline,
        bytes32 r,
        bytes32 vs
    ) private view {
        if (block.timestamp > deadline) revert ApprovalExpired(deadline);

        // Never the zero address: recover reverts instead, so no approver means no approval.
        address signer = ECDSA.recover(digestOf(msg.sender, sequence, token, payments, deadline), r, vs);
        if (signer != approver) revert NotApproved(signer);
    }
}
