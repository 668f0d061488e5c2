// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Sends its balance without a call, by destroying itself.
contract SelfdestructSender {
    constructor() payable {}

    function destroy(address payable to) external payable {
        selfdestruct(to);
    }
}

/// @notice The same in one transaction: creates a sender and destroys it at once.
contract SelfdestructBurst {
    function burst(address payable to) external payable {
        new SelfdestructSender{value: msg.value}().destroy(to);
    }
}
