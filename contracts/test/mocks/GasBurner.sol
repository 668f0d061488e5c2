// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokensReceived} from "./HookToken.sol";

/// @notice Burns all the gas it is given.
contract GasBurner is ITokensReceived {
    receive() external payable {
        _burn();
    }

    function tokensReceived(address, uint256) external pure {
        _burn();
    }

    function _burn() private pure {
        assembly {
            invalid()
        }
    }
}
