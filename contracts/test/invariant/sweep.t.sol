// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {VaultFactory} from "../../src/VaultFactory.sol";
import {BlacklistToken} from "../mocks/BlacklistToken.sol";
import {vm} from "../support/Vm.sol";
import {SweepHandler} from "./SweepHandler.sol";

/// @notice Whatever is done in whatever order, what was deposited is at its address or at the treasury, the events
/// say exactly what moved, and no address keeps code.
contract SweepInvariantTest {
    address private constant OWNER = address(0xC01D);
    address private constant TREASURY = address(0x72EA5);

    VaultFactory private factory;
    BlacklistToken private token;
    SweepHandler private handler;

    function setUp() public {
        factory = new VaultFactory(OWNER);
        token = new BlacklistToken();
        handler = new SweepHandler(factory, token, TREASURY);
        vm.prank(OWNER);
        factory.setSweeper(address(handler), true);
        vm.prank(OWNER);
        factory.setDestination(TREASURY, true);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_NothingIsLost() public view {
        uint256 coins = TREASURY.balance;
        uint256 tokens = token.balanceOf(TREASURY);
        for (uint256 i; i < handler.VAULTS(); ++i) {
            coins += handler.vaultAt(i).balance;
            tokens += token.balanceOf(handler.vaultAt(i));
        }
        vm.assertEq(coins, handler.coinsDeposited());
        vm.assertEq(tokens, handler.tokensDeposited());
    }

    function invariant_EventsSayWhatMoved() public view {
        vm.assertEq(TREASURY.balance, handler.coinsLogged());
        vm.assertEq(token.balanceOf(TREASURY), handler.tokensLogged());
    }

    function invariant_NoAddressKeepsCode() public view {
        for (uint256 i; i < handler.VAULTS(); ++i) {
            vm.assertEq(handler.vaultAt(i).code.length, 0);
        }
    }
}
