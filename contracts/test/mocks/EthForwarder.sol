// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Sends native coin on by an internal call; the transaction's own recipient is this contract.
contract EthForwarder {
    error NotForwarded();

    function forward(address payable to) external payable {
        (bool sent,) = to.call{value: msg.value}("");
        if (!sent) revert NotForwarded();
    }

    /// @notice Sends the same value several times, so only the position tells the payments apart.
    function forwardMany(address payable to, uint256 times) external payable {
        for (uint256 i; i < times; ++i) {
            (bool sent,) = to.call{value: msg.value / times}("");
            if (!sent) revert NotForwarded();
        }
    }
}
