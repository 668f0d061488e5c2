// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokensReceived} from "./HookToken.sol";

/// @notice Refuses native coin and hook tokens.
contract RevertingRecipient is ITokensReceived {
    error Refused();

    receive() external payable {
        revert Refused();
    }

    function tokensReceived(address, uint256) external pure {
        revert Refused();
    }
}
