// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Makes the same token payment several times in one transaction, from its own balance or, by allowance,
/// from somebody else's.
contract MultiTransfer {
    function transferMany(IERC20 token, address to, uint256 amount, uint256 times) external {
        for (uint256 i; i < times; ++i) {
            require(token.transfer(to, amount));
        }
    }

    function transferFromMany(IERC20 token, address from, address to, uint256 amount, uint256 times) external {
        for (uint256 i; i < times; ++i) {
            require(token.transferFrom(from, to, amount));
        }
    }
}
