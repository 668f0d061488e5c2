// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Sends native coin in an inner frame that then reverts, while the transaction succeeds:
/// a trace shows a payment without an error that never happened.
contract RevertedFrame {
    error Undone();

    receive() external payable {}

    function pretend(address payable to) external payable {
        try this.sendAndRevert(to, msg.value) {} catch {}
    }

    function sendAndRevert(address payable to, uint256 amount) external {
        (bool sent,) = to.call{value: amount}("");
        sent;
        revert Undone();
    }
}
