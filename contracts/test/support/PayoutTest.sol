// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutVault} from "../../src/PayoutVault.sol";
import {vm} from "./Vm.sol";

/// @notice A payout vault with one operator, and what tests of it share.
abstract contract PayoutTest {
    address internal constant OWNER = address(0xC01D);
    address internal constant OPERATOR = address(0x0BE8A7);
    address internal constant NATIVE = address(0);

    PayoutVault internal vault;

    function setUp() public virtual {
        vault = new PayoutVault(OWNER);
        vm.prank(OWNER);
        vault.setOperator(OPERATOR, true);
    }

    /// @dev A recipient word: 20 bytes address, 12 bytes amount.
    function pack(address to, uint256 amount) internal pure returns (bytes32) {
        return bytes32(bytes20(to)) | bytes32(uint256(uint96(amount)));
    }

    /// @dev An address with no meaning and no zero bytes at its ends.
    function someone(uint256 i) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("recipient", i)))));
    }

    function one(bytes32 payment) internal pure returns (bytes32[] memory payments) {
        payments = new bytes32[](1);
        payments[0] = payment;
    }
}
