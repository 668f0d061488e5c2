// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {VaultFactory} from "../src/VaultFactory.sol";
import {HookToken} from "./mocks/HookToken.sol";
import {NoReceive} from "./mocks/NoReceive.sol";
import {ThirstyRecipient} from "./mocks/ThirstyRecipient.sol";
import {SweepTest} from "./support/SweepTest.sol";
import {vm} from "./support/Vm.sol";

contract SweepOperationTest is SweepTest {
    event Swept(bytes32 indexed salt, address indexed token, address to, uint256 amount);

    function test_MovesTokens() public {
        usdc.mint(factory.vaultOf(SALT), 500);

        vm.expectEmit(address(factory));
        emit Swept(SALT, address(usdc), TREASURY, 500);
        sweep(address(usdc), SALT);

        vm.assertEq(usdc.balanceOf(TREASURY), 500);
        vm.assertEq(usdc.balanceOf(factory.vaultOf(SALT)), 0);
    }

    function test_MovesNativeCoin() public {
        vm.deal(factory.vaultOf(SALT), 7 ether);

        vm.expectEmit(address(factory));
        emit Swept(SALT, NATIVE, TREASURY, 7 ether);
        sweep(NATIVE, SALT);

        vm.assertEq(TREASURY.balance, 7 ether);
        vm.assertEq(factory.vaultOf(SALT).balance, 0);
    }

    function test_MovesNativeCoinToAContractThatCannotReceiveIt() public {
        address destination = address(new NoReceive());
        allow(SWEEPER, destination);
        vm.deal(factory.vaultOf(SALT), 7 ether);

        sweep(NATIVE, destination, one(SALT));

        vm.assertEq(destination.balance, 7 ether);
    }

    function test_NativeCoinGoesAlongWithTokens() public {
        usdc.mint(factory.vaultOf(SALT), 500);
        vm.deal(factory.vaultOf(SALT), 3);

        vm.expectEmit(address(factory));
        emit Swept(SALT, address(usdc), TREASURY, 500);
        vm.expectEmit(address(factory));
        emit Swept(SALT, NATIVE, TREASURY, 3);
        sweep(address(usdc), SALT);

        vm.assertEq(TREASURY.balance, 3);
    }

    function test_ATokenSweepLeavesAloneAVaultWithNativeCoinOnly() public {
        vm.deal(factory.vaultOf(SALT), 3);

        sweep(address(usdc), SALT);

        vm.assertEq(factory.vaultOf(SALT).balance, 3);
    }

    function test_ANativeSweepLeavesTokensAlone() public {
        usdc.mint(factory.vaultOf(SALT), 500);
        vm.deal(factory.vaultOf(SALT), 3);

        sweep(NATIVE, SALT);

        vm.assertEq(usdc.balanceOf(factory.vaultOf(SALT)), 500);
        vm.assertEq(TREASURY.balance, 3);
    }

    function test_SameAddressAgain_AndItNeverKeepsCode() public {
        address vault = factory.vaultOf(SALT);
        for (uint256 round = 1; round <= 3; ++round) {
            usdc.mint(vault, 500);
            vm.deal(vault, 3);

            sweep(address(usdc), SALT);

            vm.assertEq(usdc.balanceOf(TREASURY), 500 * round);
            vm.assertEq(TREASURY.balance, 3 * round);
            vm.assertEq(vault.code.length, 0);
        }
    }

    function test_EmptyVaultsAreSilent() public {
        vm.recordLogs();
        sweep(address(usdc), TREASURY, manySalts(3));
        sweep(NATIVE, TREASURY, manySalts(3));

        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_ASaltTwiceInOneBatchIsSweptOnce() public {
        usdc.mint(factory.vaultOf(SALT), 500);
        bytes32[] memory salts = new bytes32[](2);
        (salts[0], salts[1]) = (SALT, SALT);

        vm.recordLogs();
        sweep(address(usdc), TREASURY, salts);

        vm.assertEq(usdc.balanceOf(TREASURY), 500);
        vm.assertEq(vm.getRecordedLogs().length, 2); // the token's Transfer and Swept
    }

    function test_VaultOfIsTheCreate2Formula() public view {
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), address(factory), SALT, factory.VAULT_INIT_CODE_HASH()));
        vm.assertEq(factory.vaultOf(SALT), address(uint160(uint256(hash))));
    }

    function test_RevertIf_CallerIsNotASweeper() public {
        vm.expectRevert(abi.encodeWithSelector(VaultFactory.NotSweeper.selector, address(this)));
        factory.sweep(NATIVE, TREASURY, one(SALT));
    }

    function test_RevertIf_DestinationIsNotAllowed() public {
        vm.expectRevert(abi.encodeWithSelector(VaultFactory.NotDestination.selector, SWEEPER));
        vm.prank(SWEEPER);
        factory.sweep(NATIVE, SWEEPER, one(SALT));
    }

    function test_RevertIf_TokenHasNoCode() public {
        vm.expectRevert(abi.encodeWithSelector(VaultFactory.TokenHasNoCode.selector, TREASURY));
        vm.prank(SWEEPER);
        factory.sweep(TREASURY, TREASURY, one(SALT));
    }

    function test_RevertIf_SweepOneIsCalledFromOutside() public {
        vm.expectRevert(abi.encodeWithSelector(VaultFactory.NotSelf.selector, SWEEPER));
        vm.prank(SWEEPER);
        factory.sweepOne(NATIVE, payable(TREASURY), SALT);
    }

    /// @dev With any gas limit the batch either reverts or does its work: too little gas is never logged as a
    /// failure of a vault, not even for a destination that refuses when it does not get all it is promised.
    function testFuzz_TooLittleGasIsNotAFailure(uint256 gasLimit) public {
        gasLimit = 60_000 + gasLimit % 900_000;
        HookToken token = new HookToken();
        address thirsty = address(new ThirstyRecipient());
        allow(SWEEPER, thirsty);
        bytes32[] memory salts = manySalts(3);
        for (uint256 i; i < salts.length; ++i) {
            token.mint(factory.vaultOf(salts[i]), 500);
        }

        vm.prank(SWEEPER);
        try factory.sweep{gas: gasLimit}(address(token), thirsty, salts) {
            vm.assertEq(token.balanceOf(thirsty), 1500);
        } catch {
            vm.assertEq(token.balanceOf(thirsty), 0);
        }
    }

    function testFuzz_EverythingArrives(uint96[8] calldata tokens, uint96[8] calldata coins) public {
        bytes32[] memory salts = manySalts(8);
        uint256 tokenSum;
        uint256 coinSum;
        for (uint256 i; i < 8; ++i) {
            usdc.mint(factory.vaultOf(salts[i]), tokens[i]);
            vm.deal(factory.vaultOf(salts[i]), coins[i]);
            tokenSum += tokens[i];
            coinSum += coins[i];
        }

        sweep(address(usdc), TREASURY, salts);
        sweep(NATIVE, TREASURY, salts);

        vm.assertEq(usdc.balanceOf(TREASURY), tokenSum);
        vm.assertEq(TREASURY.balance, coinSum);
    }
}
