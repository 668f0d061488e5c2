// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ColdOwned} from "../src/ColdOwned.sol";
import {PayoutVault} from "../src/PayoutVault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

contract OwnershipTest {
    address private constant OWNER = address(0xC01D);
    address private constant HEIR = address(0x4E14);
    address private constant STRANGER = address(0x5714);

    event SweeperSet(address indexed sweeper, bool allowed);
    event DestinationSet(address indexed destination, bool allowed);
    event OperatorSet(address indexed operator, bool allowed);

    VaultFactory private factory;
    PayoutVault private vault;

    function setUp() public {
        factory = new VaultFactory(OWNER);
        vault = new PayoutVault(OWNER);
    }

    function test_OwnerSetsSweepersAndDestinations() public {
        vm.expectEmit(address(factory));
        emit SweeperSet(HEIR, true);
        vm.prank(OWNER);
        factory.setSweeper(HEIR, true);
        vm.assertTrue(factory.isSweeper(HEIR));

        vm.expectEmit(address(factory));
        emit DestinationSet(HEIR, true);
        vm.prank(OWNER);
        factory.setDestination(HEIR, true);
        vm.assertTrue(factory.isDestination(HEIR));
    }

    function test_OwnerSetsOperators() public {
        vm.expectEmit(address(vault));
        emit OperatorSet(HEIR, true);
        vm.prank(OWNER);
        vault.setOperator(HEIR, true);
        vm.assertTrue(vault.isOperator(HEIR));

        vm.prank(OWNER);
        vault.setOperator(HEIR, false);
        vm.assertFalse(vault.isOperator(HEIR));
    }

    function test_OwnershipMovesInTwoSteps() public {
        vm.prank(OWNER);
        factory.transferOwnership(HEIR);
        vm.assertEq(factory.owner(), OWNER);

        vm.prank(HEIR);
        factory.acceptOwnership();
        vm.assertEq(factory.owner(), HEIR);
    }

    function test_RevertIf_OwnershipIsGivenUp() public {
        vm.expectRevert(ColdOwned.OwnerIsNeeded.selector);
        vm.prank(OWNER);
        vault.renounceOwnership();
    }

    function test_RevertIf_DestinationWouldLoseTheMoney() public {
        refuseDestination(address(0));
        refuseDestination(address(factory));
    }

    function testFuzz_RevertIf_CallerIsNotTheOwner(address caller) public {
        vm.assume(caller != OWNER);
        bytes memory refusal = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller);

        vm.expectRevert(refusal);
        vm.prank(caller);
        factory.setSweeper(caller, true);

        vm.expectRevert(refusal);
        vm.prank(caller);
        factory.setDestination(caller, true);

        vm.expectRevert(refusal);
        vm.prank(caller);
        vault.setOperator(caller, true);
    }

    function test_RevertIf_StrangerAcceptsOwnership() public {
        vm.prank(OWNER);
        vault.transferOwnership(HEIR);

        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        vault.acceptOwnership();
    }

    function refuseDestination(address destination) private {
        vm.expectRevert(abi.encodeWithSelector(VaultFactory.BadDestination.selector, destination));
        vm.prank(OWNER);
        factory.setDestination(destination, true);
    }
}
