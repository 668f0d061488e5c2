// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SweepTest} from "./support/SweepTest.sol";
import {vm} from "./support/Vm.sol";

/// @notice Gas per vault of whole transactions, 21,000 and call data included (an isolated call is a transaction of
/// its own). The floor is what the gas schedule asks of the last vault of an endless batch without any safety.
contract GasSweepTest is SweepTest {
    uint256 private constant FLOOR_TOKEN = 39_892;
    uint256 private constant FLOOR_NATIVE = 37_636;

    function setUp() public override {
        super.setUp();
        usdc.mint(TREASURY, 1);
        vm.deal(TREASURY, 1);
    }

    function test_Token() public {
        vm.snapshotValue("sweepPerVault", "token, N=001", tokenPerVault(1));
        vm.snapshotValue("sweepPerVault", "token, N=010", tokenPerVault(10));
        uint256 gas = tokenPerVault(100);
        vm.snapshotValue("sweepPerVault", "token, N=100", gas);

        vm.assertLe(gas * 100, FLOOR_TOKEN * 130, "a token sweep is more than 1.30 of its floor");
    }

    function test_Native() public {
        vm.snapshotValue("sweepPerVault", "native, N=001", nativePerVault(1));
        vm.snapshotValue("sweepPerVault", "native, N=010", nativePerVault(10));
        uint256 gas = nativePerVault(100);
        vm.snapshotValue("sweepPerVault", "native, N=100", gas);

        vm.assertLe(gas * 100, FLOOR_NATIVE * 125, "a native sweep is more than 1.25 of its floor");
    }

    function tokenPerVault(uint256 count) private returns (uint256) {
        bytes32[] memory salts = manySalts(count);
        for (uint256 i; i < count; ++i) {
            usdc.mint(factory.vaultOf(salts[i]), 1_234_567_890);
        }
        sweep(address(usdc), TREASURY, salts);
        return vm.lastCallGas().gasTotalUsed / count;
    }

    function nativePerVault(uint256 count) private returns (uint256) {
        bytes32[] memory salts = manySalts(count);
        for (uint256 i; i < count; ++i) {
            vm.deal(factory.vaultOf(salts[i]), 12_345_670_000_000_001);
        }
        sweep(NATIVE, TREASURY, salts);
        return vm.lastCallGas().gasTotalUsed / count;
    }
}
