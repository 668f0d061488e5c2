// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ColdOwned} from "./ColdOwned.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title The hot funds, and payments to many recipients at once
/// @notice Operators pay batches; the cold owner names the operators and can take the funds back. A batch carries
/// the operator's next sequence number, so no mistake off chain can pay it twice. A recipient that cannot be paid
/// is logged and passed over; a mistake of our own (too little money, too little gas) reverts the whole batch.
/// @dev A payment is one word: the recipient in the high 20 bytes, the amount in the low 12. Amounts are base
/// units (wei for the native coin). In events and errors the token `address(0)` means the native coin.
contract PayoutVault is ColdOwned {
    using SafeERC20 for IERC20;

    /// @notice The gas a recipient of native coin may use, on top of the 2,300 that come with any value.
    uint256 public constant NATIVE_GAS_MAX = 30_000;

    /// @notice The gas one token transfer may use.
    uint256 public constant TOKEN_GAS_MAX = 200_000;

    /// @dev What must be left before a payment is tried, so that the recipient's cap is really there for it: a call
    /// gets at most 63/64 of what is left (EIP-150) after its own cost. That cost is 36,600 for a cold (EIP-2929),
    /// new account that receives value and 2,600 for a token; the rest pays for the log of a failure.
    uint256 private constant GAS_BEFORE_NATIVE = 71_000;
    uint256 private constant GAS_BEFORE_TOKEN = 210_000;

    /// @dev The low 12 bytes of a payment.
    uint256 private constant AMOUNT_MASK = (1 << 96) - 1;

    /// @dev A selector and two words.
    uint256 private constant TRANSFER_BYTES = 0x44;

    address private constant NATIVE = address(0);

    /// @dev One slot, because a batch needs both.
    struct Operator {
        bool allowed;
        uint248 nextSeq;
    }

    mapping(address => Operator) private _operators;

    /// @notice An operator was let in or shut out.
    event OperatorSet(address indexed operator, bool allowed);

    /// @notice A batch ran: `count` payments were asked for, `failed` of them were passed over.
    event Paid(address indexed operator, uint256 indexed seq, address indexed token, uint256 count, uint256 failed);

    /// @notice This payment of the batch was not made; the money is still here.
    event Failed(uint256 indexed seq, bytes32 payment);

    /// @notice The owner took `amount` of `token` back.
    event Withdrawn(address indexed token, address indexed to, uint256 amount);

    error NotOperator(address caller);
    error WrongSequence(uint256 expected, uint256 given);
    error NotEnoughFunds(address token, uint256 available, uint256 needed);
    error GasTooLow(uint256 left, uint256 needed);
    error TokenHasNoCode(address token);

    /// @param owner the cold owner
    constructor(address owner) ColdOwned(owner) {}

    receive() external payable {}

    /// @notice Lets `operator` pay batches, or shuts it out. Owner only.
    /// @dev The sequence number survives, so letting an operator in again cannot repeat its old batches.
    function setOperator(address operator, bool allowed) public virtual onlyOwner {
        _operators[operator].allowed = allowed;
        emit OperatorSet(operator, allowed);
    }

    /// @notice Takes funds back. Owner only.
    function withdraw(address token, address to, uint256 amount) external onlyOwner {
        emit Withdrawn(token, to, amount);

        if (token == NATIVE) Address.sendValue(payable(to), amount);
        else IERC20(token).safeTransfer(to, amount);
    }

    /// @notice Pays native coin. Operators only. An empty batch is allowed: it uses the number up.
    /// @dev Reverts with `NotOperator`, `WrongSequence`, `NotEnoughFunds` or `GasTooLow`.
    function payNative(uint256 sequence, bytes32[] calldata payments) public virtual {
        _useSequence(sequence);

        uint256 failed;
        (uint256 cursor, uint256 end) = _boundsOf(payments);
        for (; cursor != end; cursor = _nextWord(cursor)) {
            if (gasleft() < GAS_BEFORE_NATIVE) revert GasTooLow(gasleft(), GAS_BEFORE_NATIVE);

            bytes32 payment;
            bool sent;
            assembly ("memory-safe") {
                payment := calldataload(cursor)
                // The output size is zero, so a recipient cannot make us pay for copying what it returns.
                sent := call(NATIVE_GAS_MAX, shr(96, payment), and(payment, AMOUNT_MASK), 0, 0, 0, 0)
            }
            if (sent) continue;

            // A call that fails leaves the balance as it was: if it was too small, the mistake is ours.
            _requireFunds(NATIVE, address(this).balance, uint96(uint256(payment)));
            ++failed;
            emit Failed(sequence, payment);
        }
        emit Paid(msg.sender, sequence, NATIVE, payments.length, failed);
    }

    /// @notice Pays an ERC-20 token, also one that returns nothing or false. Operators only. An empty batch is
    /// allowed: it uses the number up.
    /// @dev Reverts with `NotOperator`, `WrongSequence`, `TokenHasNoCode`, `NotEnoughFunds` or `GasTooLow`.
    function payToken(address token, uint256 sequence, bytes32[] calldata payments) public virtual {
        _useSequence(sequence);
        if (token.code.length == 0) revert TokenHasNoCode(token);
        _requireFunds(token, IERC20(token).balanceOf(address(this)), _sumOf(payments));

        uint256 failed;
        uint256 transfer = _transferCall();
        (uint256 cursor, uint256 end) = _boundsOf(payments);
        for (; cursor != end; cursor = _nextWord(cursor)) {
            if (gasleft() < GAS_BEFORE_TOKEN) revert GasTooLow(gasleft(), GAS_BEFORE_TOKEN);

            bytes32 payment;
            bool sent;
            assembly ("memory-safe") {
                payment := calldataload(cursor)
                mstore(add(transfer, 0x04), shr(96, payment))
                mstore(add(transfer, 0x24), and(payment, AMOUNT_MASK))
                // Sent means: did not revert, and returned nothing (USDT) or a first word of exactly 1. Of what
                // it returns that word is copied, to scratch space, and no more.
                sent := call(TOKEN_GAS_MAX, token, 0, transfer, TRANSFER_BYTES, 0, 0x20)
                if returndatasize() {
                    sent := and(sent, and(gt(returndatasize(), 0x1f), eq(mload(0), 1)))
                }
            }
            if (sent) continue;

            ++failed;
            emit Failed(sequence, payment);
        }
        emit Paid(msg.sender, sequence, token, payments.length, failed);
    }

    /// @notice The sequence number the operator's next batch must carry. Starts at 0.
    function seq(address operator) external view returns (uint256) {
        return _operators[operator].nextSeq;
    }

    /// @notice Whether the operator may pay batches.
    function isOperator(address operator) public view returns (bool) {
        return _operators[operator].allowed;
    }

    /// @dev Written before any payment, so a recipient that calls back finds the number used.
    function _useSequence(uint256 given) private {
        Operator memory operator = _operators[msg.sender];
        if (!operator.allowed) revert NotOperator(msg.sender);
        if (operator.nextSeq != given) revert WrongSequence(operator.nextSeq, given);

        _operators[msg.sender].nextSeq = operator.nextSeq + 1;
    }

    /// @dev Memory for the call data of IERC20.transfer, with the selector in its place.
    function _transferCall() private pure returns (uint256 transfer) {
        bytes4 selector = IERC20.transfer.selector;
        assembly ("memory-safe") {
            transfer := mload(0x40)
            mstore(0x40, add(transfer, 0x60))
            mstore(transfer, selector)
        }
    }

    /// @dev Cannot overflow: each amount has 96 bits, and no block has room for 2**160 of them.
    function _sumOf(bytes32[] calldata payments) private pure returns (uint256 sum) {
        (uint256 cursor, uint256 end) = _boundsOf(payments);
        for (; cursor != end; cursor = _nextWord(cursor)) {
            assembly ("memory-safe") {
                sum := add(sum, and(calldataload(cursor), AMOUNT_MASK))
            }
        }
    }

    /// @dev Where the payments start and end in the call data, which the decoder has checked to hold them all.
    function _boundsOf(bytes32[] calldata payments) private pure returns (uint256 cursor, uint256 end) {
        assembly ("memory-safe") {
            cursor := payments.offset
            end := add(cursor, shl(5, payments.length))
        }
    }

    function _nextWord(uint256 cursor) private pure returns (uint256) {
        unchecked {
            return cursor + 0x20;
        }
    }

    function _requireFunds(address token, uint256 available, uint256 needed) private pure {
        if (available < needed) revert NotEnoughFunds(token, available, needed);
    }
}
