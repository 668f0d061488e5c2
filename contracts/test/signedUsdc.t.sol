// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

import {SignedUSDC} from "../src/dev/SignedUSDC.sol";
import {vm} from "./support/Vm.sol";

/// @notice The token that moves on its holder's signature does as EIP-3009 says, and tells its domain as USDC does.
contract SignedUSDCTest {
    bytes32 private constant TYPE = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    uint256 private constant KEY = 0xA11CE;
    address private constant SHOP = address(0x540B);
    bytes32 private constant NONCE = keccak256("nonce");

    SignedUSDC private usdc;
    address private payer;

    function setUp() public {
        usdc = new SignedUSDC();
        payer = vm.addr(KEY);
        usdc.mint(payer, 100);
        vm.warp(1000);
    }

    function test_ItTellsItsDomain() public view {
        bytes32 expected = keccak256(
            abi.encode(
                DOMAIN, keccak256(bytes(usdc.name())), keccak256(bytes(usdc.version())), block.chainid, address(usdc)
            )
        );
        vm.assertEq(usdc.DOMAIN_SEPARATOR(), expected);
    }

    function test_AnybodyMaySendWhatTheHolderSigned() public {
        send(0, 2000, "");
        vm.assertEq(usdc.balanceOf(SHOP), 40);
        vm.assertTrue(usdc.authorizationState(payer, NONCE));
    }

    function test_ANonceIsUsedOnce() public {
        send(0, 2000, "");
        send(0, 2000, abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, payer, NONCE));
    }

    function test_ItIsGoodBetweenItsTimesOnly() public {
        send(1000, 2000, abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, 1000, 2000));
        send(0, 1000, abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, 0, 1000));
    }

    function test_AnotherAmountIsNotSigned() public {
        (uint8 v, bytes32 r, bytes32 s) = signed(40, 0, 2000);
        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        usdc.transferWithAuthorization(payer, SHOP, 41, 0, 2000, NONCE, v, r, s);
    }

    /// @dev Sends 40, and expects `error` where there is one.
    function send(uint256 validAfter, uint256 validBefore, bytes memory error) private {
        (uint8 v, bytes32 r, bytes32 s) = signed(40, validAfter, validBefore);
        if (error.length != 0) vm.expectRevert(error);
        usdc.transferWithAuthorization(payer, SHOP, 40, validAfter, validBefore, NONCE, v, r, s);
    }

    function signed(uint256 value, uint256 validAfter, uint256 validBefore)
        private
        view
        returns (uint8, bytes32, bytes32)
    {
        bytes32 struct_ = keccak256(abi.encode(TYPE, payer, SHOP, value, validAfter, validBefore, NONCE));
        return vm.sign(KEY, keccak256(abi.encodePacked("\x19\x01", usdc.DOMAIN_SEPARATOR(), struct_)));
    }
}
