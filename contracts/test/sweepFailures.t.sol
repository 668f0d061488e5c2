// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {VaultFactory} from "../src/VaultFactory.sol";
import {BlacklistToken} from "./mocks/BlacklistToken.sol";
import {FalseReturnToken} from "./mocks/FalseReturnToken.sol";
import {FeeToken} from "./mocks/FeeToken.sol";
import {GasBurner} from "./mocks/GasBurner.sol";
import {HookToken} from "./mocks/HookToken.sol";
import {NoReturnToken} from "./mocks/NoReturnToken.sol";
import {RebasingToken} from "./mocks/RebasingToken.sol";
import {ReentrantRecipient} from "./mocks/ReentrantRecipient.sol";
import {SpoofToken} from "./mocks/SpoofToken.sol";
import {SweepTest} from "./support/SweepTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice Tokens that misbehave: one vault fails alone, is logged, and can be tried again.
contract SweepFailuresTest is SweepTest {
    event Swept(bytes32 indexed salt, address indexed token, address to, uint256 amount);
    event SweepFailed(bytes32 indexed salt, address indexed token);

    function test_TokenWithoutReturnValue() public {
        NoReturnToken token = new NoReturnToken();
        token.mint(factory.vaultOf(SALT), 500);

        sweep(address(token), SALT);

        vm.assertEq(token.balanceOf(TREASURY), 500);
    }

    function test_TokenReturningFalseFails_AndNativeCoinStaysToo() public {
        FalseReturnToken token = new FalseReturnToken();
        token.mint(factory.vaultOf(SALT), 500);
        token.refuse(factory.vaultOf(SALT), true);
        vm.deal(factory.vaultOf(SALT), 3);

        expectFailure(SALT, address(token));
        sweep(address(token), SALT);

        vm.assertEq(token.balanceOf(factory.vaultOf(SALT)), 500);
        vm.assertEq(factory.vaultOf(SALT).balance, 3);
    }

    function test_FeeOnTransfer_LogsWhatArrived() public {
        FeeToken token = new FeeToken();
        token.mint(factory.vaultOf(SALT), 500);

        vm.expectEmit(address(factory));
        emit Swept(SALT, address(token), TREASURY, 495);
        sweep(address(token), SALT);

        vm.assertEq(token.balanceOf(TREASURY), 495);
    }

    function test_RebasingToken_MovesTheBalanceOfTheMoment() public {
        RebasingToken token = new RebasingToken();
        token.mint(factory.vaultOf(SALT), 500);
        token.rebase(2e18);

        sweep(address(token), SALT);

        vm.assertEq(token.balanceOf(TREASURY), 1000);
    }

    function test_OneBlacklistedVaultDoesNotStopTheOthers_AndIsSweptLater() public {
        BlacklistToken token = new BlacklistToken();
        bytes32[] memory salts = manySalts(5);
        for (uint256 i; i < salts.length; ++i) {
            token.mint(factory.vaultOf(salts[i]), 100);
        }
        token.blacklist(factory.vaultOf(salts[2]), true);

        expectFailure(salts[2], address(token));
        sweep(address(token), TREASURY, salts);
        vm.assertEq(token.balanceOf(TREASURY), 400);

        token.blacklist(factory.vaultOf(salts[2]), false);
        sweep(address(token), TREASURY, salts);
        vm.assertEq(token.balanceOf(TREASURY), 500);
    }

    function test_PausedTokenFailsEveryVault() public {
        BlacklistToken token = new BlacklistToken();
        bytes32[] memory salts = manySalts(2);
        token.mint(factory.vaultOf(salts[0]), 100);
        token.mint(factory.vaultOf(salts[1]), 100);
        token.pause(true);

        expectFailure(salts[0], address(token));
        expectFailure(salts[1], address(token));
        sweep(address(token), TREASURY, salts);
    }

    function test_TokenThatOnlyPretendsFails() public {
        SpoofToken token = new SpoofToken();
        token.claim(factory.vaultOf(SALT), 500);

        expectFailure(SALT, address(token));
        sweep(address(token), SALT);
    }

    function test_DestinationThatBurnsGasCostsNoMoreThanTheCap() public {
        HookToken token = new HookToken();
        address destination = address(new GasBurner());
        allow(SWEEPER, destination);
        token.mint(factory.vaultOf(SALT), 500);

        expectFailure(SALT, address(token));
        sweep(address(token), destination, one(SALT));

        vm.assertLe(vm.lastCallGas().gasTotalUsed, factory.VAULT_GAS_MAX() + 40_000);
    }

    function test_DestinationThatCallsBackSweepsNothing_EvenIfItMaySweep() public {
        HookToken token = new HookToken();
        ReentrantRecipient destination = new ReentrantRecipient();
        allow(SWEEPER, address(destination));
        allow(address(destination), address(destination));
        bytes32[] memory salts = manySalts(2);
        token.mint(factory.vaultOf(salts[0]), 500);
        token.mint(factory.vaultOf(salts[1]), 600);
        bytes memory again = abi.encodeCall(factory.sweep, (address(token), address(destination), one(salts[1])));
        destination.aim(address(factory), again);

        sweep(address(token), address(destination), one(salts[0]));

        vm.assertTrue(destination.called());
        vm.assertFalse(destination.succeeded());
        vm.assertEq(token.balanceOf(address(destination)), 500);
    }

    function test_AddressWithCodeIsPassedOver() public {
        address vault = factory.vaultOf(SALT);
        usdc.mint(vault, 500);
        vm.etch(vault, hex"00");

        expectFailure(SALT, address(usdc));
        sweep(address(usdc), SALT);

        vm.assertLe(vm.lastCallGas().gasTotalUsed, 60_000); // no creation was tried
    }

    /// @dev The second creation of an address in one transaction collides (EIP-684) and burns all its gas, which
    /// is capped. The coin paid in between is destroyed with the first vault (EIP-6780).
    function test_CollisionBurnsNoMoreThanTheCap() public {
        SweepTwice twice = new SweepTwice(factory);
        allow(address(twice), TREASURY);
        vm.deal(factory.vaultOf(SALT), 3);

        expectFailure(SALT, NATIVE);
        twice.run{value: 5}(TREASURY, SALT);

        vm.assertLe(vm.lastCallGas().gasTotalUsed, factory.VAULT_GAS_MAX() + 150_000);
        vm.assertEq(TREASURY.balance, 3);
        vm.assertEq(factory.vaultOf(SALT).balance, 0);
    }

    function expectFailure(bytes32 salt, address token) private {
        vm.expectEmit(address(factory));
        emit SweepFailed(salt, token);
    }
}

/// @notice A sweeper that sweeps, pays and sweeps the same address in one transaction.
contract SweepTwice {
    VaultFactory private immutable FACTORY;

    constructor(VaultFactory factory) {
        FACTORY = factory;
    }

    function run(address to, bytes32 salt) external payable {
        bytes32[] memory salts = new bytes32[](1);
        salts[0] = salt;

        FACTORY.sweep(address(0), to, salts);
        (bool sent,) = FACTORY.vaultOf(salt).call{value: msg.value}("");
        require(sent);
        FACTORY.sweep(address(0), to, salts);
    }
}
