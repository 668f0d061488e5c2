// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A contract without `receive`: it cannot be paid by a call.
contract NoReceive {
    uint256 public constant ANSWER = 42;
}
