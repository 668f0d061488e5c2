// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutVault} from "../src/PayoutVault.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {vm} from "../test/support/Vm.sol";

/// @title Deploys the factory, at the same address on every chain, and a payout vault
/// @notice MIZAN_OWNER=0x… forge script script/Deploy.s.sol --rpc-url … --broadcast
contract Deploy {
    /// @notice The deterministic deployer: it creates the init code after the first 32 bytes, which are the salt.
    address public constant DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    bytes32 public constant SALT = 0;

    bool public constant IS_SCRIPT = true;

    error DeployerIsMissing();
    error NotDeployed(address expected);

    /// @notice Deploys what the chain does not have yet; the cold owner is the same on every chain.
    function run() external returns (address factory, address payoutVault) {
        address owner = vm.envAddress("MIZAN_OWNER");
        vm.startBroadcast();
        factory = deployFactory(owner);
        payoutVault = address(new PayoutVault(owner));
        vm.stopBroadcast();
    }

    /// @notice The factory, new or as it was.
    function deployFactory(address owner) public returns (address factory) {
        if (DEPLOYER.code.length == 0) revert DeployerIsMissing();
        factory = factoryOf(owner);
        if (factory.code.length != 0) return factory;

        (bool deployed,) = DEPLOYER.call(bytes.concat(SALT, initCodeOf(owner)));
        if (!deployed || factory.code.length == 0) revert NotDeployed(factory);
    }

    /// @notice Where the factory of this owner is, on any chain (EIP-1014).
    function factoryOf(address owner) public pure returns (address) {
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), DEPLOYER, SALT, keccak256(initCodeOf(owner))));
        return address(uint160(uint256(hash)));
    }

    function initCodeOf(address owner) private pure returns (bytes memory) {
        return bytes.concat(type(VaultFactory).creationCode, abi.encode(owner));
    }
}
