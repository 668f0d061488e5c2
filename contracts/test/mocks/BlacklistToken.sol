// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token like USDC: its issuer can block an account and pause everything.
contract BlacklistToken is ERC20("Blacklist", "BLACK") {
    bool public paused;
    mapping(address => bool) public isBlacklisted;

    error Paused();
    error Blacklisted(address account);

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function blacklist(address account, bool blocked) external {
        isBlacklisted[account] = blocked;
    }

    function pause(bool paused_) external {
        paused = paused_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (paused) revert Paused();
        if (isBlacklisted[from]) revert Blacklisted(from);
        if (isBlacklisted[to]) revert Blacklisted(to);
        super._update(from, to, amount);
    }
}
