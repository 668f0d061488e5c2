// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Sends to many in one transaction, as plain contracts for that do: no sequence number, no operator, no gas
/// cap, and one refusal reverts everything. The sender brings the coins along, or an allowance for the tokens.
contract Disperser {
    function sendNative(address[] calldata to, uint256[] calldata amounts) external payable {
        for (uint256 i; i < to.length; ++i) {
            (bool sent,) = to[i].call{value: amounts[i]}("");
            require(sent);
        }
    }

    /// @notice Moves each amount from the sender to its recipient.
    function sendTokenFromEach(IERC20 token, address[] calldata to, uint256[] calldata amounts) external {
        for (uint256 i; i < to.length; ++i) {
            require(token.transferFrom(msg.sender, to[i], amounts[i]));
        }
    }

    /// @notice Pulls the sum from the sender once and pays from there.
    function sendTokenPulledOnce(IERC20 token, address[] calldata to, uint256[] calldata amounts) external {
        uint256 sum;
        for (uint256 i; i < to.length; ++i) {
            sum += amounts[i];
        }
        require(token.transferFrom(msg.sender, address(this), sum));
        for (uint256 i; i < to.length; ++i) {
            require(token.transfer(to[i], amounts[i]));
        }
    }
}
