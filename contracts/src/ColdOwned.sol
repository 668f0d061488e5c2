// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title An owner whose key is kept cold
/// @notice Ownership moves in two steps, so it cannot be handed to an address nobody controls, and it can
/// never be given up: without an owner, a stolen hot key could not be shut out.
abstract contract ColdOwned is Ownable2Step {
    /// @notice Ownership was about to be given up.
    error OwnerIsNeeded();

    constructor(address owner) Ownable(owner) {}

    /// @notice Always reverts with `OwnerIsNeeded`.
    function renounceOwnership() public view override onlyOwner {
        revert OwnerIsNeeded();
    }
}
