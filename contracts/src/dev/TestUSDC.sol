// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Play money for development: anyone may mint it
contract TestUSDC is ERC20("Test USD Coin", "USDC") {
    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @notice Gives `to` new tokens, `amount` in units of 10**-6.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
