// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that returns false where others revert: for a recipient it refuses.
contract FalseReturnToken is ERC20("False Return", "FALSE") {
    mapping(address => bool) public isRefused;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function refuse(address account, bool refused) external {
        isRefused[account] = refused;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (isRefused[to] || isRefused[msg.sender]) return false;
        return super.transfer(to, amount);
    }
}
