// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NoReceive} from "./mocks/NoReceive.sol";
import {NoReturnToken} from "./mocks/NoReturnToken.sol";
import {PayoutTest} from "./support/PayoutTest.sol";
import {vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Errors} from "@openzeppelin/contracts/utils/Errors.sol";

contract WithdrawTest is PayoutTest {
    event Withdrawn(address indexed token, address indexed to, uint256 amount);

    function test_TakesNativeCoinBack() public {
        vm.deal(address(vault), 5);

        vm.expectEmit(address(vault));
        emit Withdrawn(NATIVE, someone(1), 3);
        vm.prank(OWNER);
        vault.withdraw(NATIVE, someone(1), 3);

        vm.assertEq(someone(1).balance, 3);
    }

    function test_TakesTokensBack_AlsoWithoutReturnValue() public {
        NoReturnToken token = new NoReturnToken();
        token.mint(address(vault), 5);

        vm.prank(OWNER);
        vault.withdraw(address(token), someone(1), 5);

        vm.assertEq(token.balanceOf(someone(1)), 5);
    }

    function test_RevertIf_RecipientCannotReceive() public {
        vm.deal(address(vault), 5);
        address to = address(new NoReceive());

        vm.expectRevert(Errors.FailedCall.selector);
        vm.prank(OWNER);
        vault.withdraw(NATIVE, to, 5);
    }

    function test_RevertIf_CallerIsNotTheOwner() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, OPERATOR));
        vm.prank(OPERATOR);
        vault.withdraw(NATIVE, OPERATOR, 0);
    }
}
