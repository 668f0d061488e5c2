// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deploy} from "../script/Deploy.s.sol";
import {VaultFactory} from "../src/VaultFactory.sol";
import {vm} from "./support/Vm.sol";

contract DeployTest {
    address private constant OWNER = address(0xC01D);

    /// @dev The whole code of the deterministic deployer, as it is on every chain.
    bytes private constant DEPLOYER_CODE =
        hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";

    Deploy private deploy;

    function setUp() public {
        deploy = new Deploy();
        vm.etch(deploy.DEPLOYER(), DEPLOYER_CODE);
    }

    function test_AddressIsTheSameOnEveryChain() public {
        address here = deploy.factoryOf(OWNER);
        vm.chainId(137);

        vm.assertEq(deploy.deployFactory(OWNER), here);
        vm.assertEq(VaultFactory(here).owner(), OWNER);
    }

    function test_DeployingAgainChangesNothing() public {
        address factory = deploy.deployFactory(OWNER);
        vm.assertEq(deploy.deployFactory(OWNER), factory);
    }

    function test_AnotherOwnerIsAnotherAddress() public view {
        vm.assertFalse(deploy.factoryOf(OWNER) == deploy.factoryOf(address(1)));
    }

    function test_RevertIf_DeployerIsMissing() public {
        vm.etch(deploy.DEPLOYER(), "");
        vm.expectRevert(Deploy.DeployerIsMissing.selector);
        deploy.deployFactory(OWNER);
    }
}
