// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A token whose Transfer indexes nothing: one topic, three words of data.
contract NonIndexedToken {
    mapping(address => uint256) public balanceOf;

    event Transfer(address from, address to, uint256 value);

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        emit Transfer(msg.sender, to, amount);
        return true;
    }
}
