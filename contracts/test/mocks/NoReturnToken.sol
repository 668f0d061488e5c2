// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A token like USDT: its transfer returns nothing.
contract NoReturnToken {
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    error BalanceTooLow(uint256 available, uint256 needed);

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function transfer(address to, uint256 amount) external {
        uint256 available = balanceOf[msg.sender];
        if (available < amount) revert BalanceTooLow(available, amount);

        balanceOf[msg.sender] = available - amount;
        balanceOf[to] += amount;
        emit Transfer(msg.sender, to, amount);
    }
}
