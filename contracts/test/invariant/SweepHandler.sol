// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {VaultFactory} from "../../src/VaultFactory.sol";
import {BlacklistToken} from "../mocks/BlacklistToken.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @notice Pays into a few deposit addresses, blocks some of them, and sweeps them, in any order.
contract SweepHandler {
    uint256 public constant VAULTS = 5;

    VaultFactory public immutable FACTORY;
    BlacklistToken public immutable TOKEN;
    address private immutable TREASURY;

    uint256 public coinsDeposited;
    uint256 public tokensDeposited;
    uint256 public coinsLogged;
    uint256 public tokensLogged;

    constructor(VaultFactory factory, BlacklistToken token, address treasury) {
        (FACTORY, TOKEN, TREASURY) = (factory, token, treasury);
    }

    function deposit(uint256 i, uint64 coins, uint64 tokens) external {
        address vault = vaultAt(i);
        vm.deal(vault, vault.balance + coins);
        coinsDeposited += coins;
        if (TOKEN.isBlacklisted(vault)) return;

        TOKEN.mint(vault, tokens);
        tokensDeposited += tokens;
    }

    function toggleBlock(uint256 i) external {
        address vault = vaultAt(i);
        TOKEN.blacklist(vault, !TOKEN.isBlacklisted(vault));
    }

    /// @param seed its bits choose the vaults; a vault may come twice
    function sweep(uint256 seed, bool native) external {
        bytes32[] memory salts = new bytes32[](1 + seed % VAULTS);
        for (uint256 i; i < salts.length; ++i) {
            salts[i] = saltAt(seed >> (8 * i));
        }

        vm.recordLogs();
        FACTORY.sweep(native ? address(0) : address(TOKEN), TREASURY, salts);
        countSwept(vm.getRecordedLogs());
    }

    function vaultAt(uint256 i) public view returns (address) {
        return FACTORY.vaultOf(saltAt(i));
    }

    function saltAt(uint256 i) private pure returns (bytes32) {
        return bytes32(i % VAULTS);
    }

    function countSwept(Vm.Log[] memory logs) private {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != VaultFactory.Swept.selector) continue;

            (, uint256 amount) = abi.decode(logs[i].data, (address, uint256));
            if (logs[i].topics[2] == 0) coinsLogged += amount;
            else tokensLogged += amount;
        }
    }
}
