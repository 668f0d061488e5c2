// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that keeps 1 % of every transfer; the first Transfer of a payment still names the whole amount.
contract FeeToken is ERC20("Fee On Transfer", "FEE") {
    uint256 public constant FEE_PERCENT = 1;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from == address(0) || to == address(0)) return;

        super._update(to, address(0), amount * FEE_PERCENT / 100);
    }
}
