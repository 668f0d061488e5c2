// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutVault} from "../../src/PayoutVault.sol";
import {BlacklistToken} from "../mocks/BlacklistToken.sol";
import {vm} from "../support/Vm.sol";
import {PayoutHandler} from "./PayoutHandler.sol";

/// @notice Whatever is done in whatever order, no unit appears or disappears and no batch is paid twice.
contract PayoutInvariantTest {
    address private constant OWNER = address(0xC01D);

    PayoutVault private vault;
    BlacklistToken private token;
    PayoutHandler private handler;

    function setUp() public {
        vault = new PayoutVault(OWNER);
        token = new BlacklistToken();
        handler = new PayoutHandler(vault, token, OWNER);
        vm.prank(OWNER);
        vault.setOperator(address(handler), true);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_NativeCoinIsInTheVaultOrWasPaid() public view {
        uint256 gone = handler.nativeReceived() + handler.nativeWithdrawn();
        vm.assertEq(address(vault).balance, handler.nativeFunded() - gone);
    }

    function invariant_TokensAreInTheVaultOrWerePaid() public view {
        vm.assertEq(token.balanceOf(address(vault)), handler.tokenFunded() - handler.tokenReceived());
    }

    function invariant_EachSequenceNumberIsUsedOnce() public view {
        vm.assertEq(vault.seq(address(handler)), handler.batchesPaid());
        vm.assertEq(handler.repeatsPaid(), 0);
    }
}
