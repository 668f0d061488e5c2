// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A token like stETH: balances are shares of a pool and change without any Transfer.
contract RebasingToken {
    uint256 public constant ONE = 1e18;

    uint256 public unitsPerShare = ONE;
    mapping(address => uint256) public sharesOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    function mint(address to, uint256 amount) external {
        sharesOf[to] += amount * ONE / unitsPerShare;
        emit Transfer(address(0), to, amount);
    }

    /// @param unitsPerShare_ 1e18 means one unit per share
    function rebase(uint256 unitsPerShare_) external {
        unitsPerShare = unitsPerShare_;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        uint256 shares = amount * ONE / unitsPerShare;
        sharesOf[msg.sender] -= shares;
        sharesOf[to] += shares;
        emit Transfer(msg.sender, to, amount);
        return true;
    }

    function balanceOf(address account) external view returns (uint256) {
        return sharesOf[account] * unitsPerShare / ONE;
    }
}
