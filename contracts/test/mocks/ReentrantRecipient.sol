// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokensReceived} from "./HookToken.sol";

/// @notice Calls back into whoever pays it, with calldata chosen before, and keeps what came of it.
contract ReentrantRecipient is ITokensReceived {
    address public target;
    bytes public data;
    bool public called;
    bool public succeeded;

    receive() external payable {
        _callBack();
    }

    function aim(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function tokensReceived(address, uint256) external {
        _callBack();
    }

    function _callBack() private {
        if (target == address(0)) return;

        called = true;
        (succeeded,) = target.call(data);
    }
}
