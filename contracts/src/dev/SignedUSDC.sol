// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Play money like USDC: whoever has its holder's signature may send it (EIP-3009); anyone may mint it
contract SignedUSDC is ERC20("USD Coin", "USDC"), ERC3009 {
    /// @notice The version in the domain of what is signed (EIP-712).
    string public constant version = "2";

    constructor() EIP712("USD Coin", version) {}

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @notice Gives `to` new tokens, `amount` in units of 10**-6.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice The domain of what is signed, hashed (EIP-712).
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}
