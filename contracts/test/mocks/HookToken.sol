// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice What a contract that receives a `HookToken` must answer.
interface ITokensReceived {
    function tokensReceived(address from, uint256 amount) external;
}

/// @notice A token like ERC-777: a recipient that is a contract is called, and may call back or revert.
contract HookToken is ERC20("Hook", "HOOK") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        if (to.code.length != 0) ITokensReceived(to).tokensReceived(msg.sender, amount);
        return true;
    }
}
