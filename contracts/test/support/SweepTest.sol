// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {VaultFactory} from "../../src/VaultFactory.sol";
import {TestUSDC} from "../../src/dev/TestUSDC.sol";
import {vm} from "./Vm.sol";

/// @notice A factory with one sweeper and one destination, and what tests of it share.
abstract contract SweepTest {
    address internal constant OWNER = address(0xC01D);
    address internal constant SWEEPER = address(0x5EE9);
    address internal constant TREASURY = address(0x72EA5);
    address internal constant NATIVE = address(0);
    bytes32 internal constant SALT = keccak256("account 1");

    VaultFactory internal factory;
    TestUSDC internal usdc;

    function setUp() public virtual {
        factory = new VaultFactory(OWNER);
        usdc = new TestUSDC();
        allow(SWEEPER, TREASURY);
    }

    function allow(address sweeper, address destination) internal {
        vm.prank(OWNER);
        factory.setSweeper(sweeper, true);
        vm.prank(OWNER);
        factory.setDestination(destination, true);
    }

    function sweep(address token, bytes32 salt) internal {
        sweep(token, TREASURY, one(salt));
    }

    function sweep(address token, address to, bytes32[] memory salts) internal {
        vm.prank(SWEEPER);
        factory.sweep(token, to, salts);
    }

    function one(bytes32 salt) internal pure returns (bytes32[] memory salts) {
        salts = new bytes32[](1);
        salts[0] = salt;
    }

    function manySalts(uint256 count) internal pure returns (bytes32[] memory salts) {
        salts = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            salts[i] = keccak256(abi.encode("account", i));
        }
    }
}
