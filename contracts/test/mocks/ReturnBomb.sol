// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokensReceived} from "./HookToken.sol";

/// @notice Reverts with as much data as its gas can buy, to make the caller pay for copying it.
contract ReturnBomb is ITokensReceived {
    uint256 private constant BOMB_BYTES = 32_000;

    receive() external payable {
        _explode();
    }

    function tokensReceived(address, uint256) external pure {
        _explode();
    }

    function _explode() private pure {
        assembly {
            revert(0, BOMB_BYTES)
        }
    }
}
