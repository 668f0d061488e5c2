// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokensReceived} from "./HookToken.sol";

/// @notice Needs nearly all the gas that a recipient is promised, and refuses cheaply when it gets less: it shows
/// whether too little gas of the sender is taken for a failure of the recipient.
contract ThirstyRecipient is ITokensReceived {
    uint256 private constant NATIVE_GAS_MIN = 31_000;
    uint256 private constant TOKEN_GAS_MIN = 120_000;

    error Thirsty(uint256 given);

    receive() external payable {
        if (gasleft() < NATIVE_GAS_MIN) revert Thirsty(gasleft());
    }

    function tokensReceived(address, uint256) external view {
        if (gasleft() < TOKEN_GAS_MIN) revert Thirsty(gasleft());
    }
}
