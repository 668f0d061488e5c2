// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutVault} from "../../src/PayoutVault.sol";
import {BlacklistToken} from "../mocks/BlacklistToken.sol";
import {GasBurner} from "../mocks/GasBurner.sol";
import {RevertingRecipient} from "../mocks/RevertingRecipient.sol";
import {ThirstyRecipient} from "../mocks/ThirstyRecipient.sol";
import {vm} from "../support/Vm.sol";

/// @notice Funds a payout vault, pays from it, repeats old batches and takes funds back, in any order.
contract PayoutHandler {
    uint256 private constant BATCH_MAX = 6;

    PayoutVault public immutable VAULT;
    BlacklistToken public immutable TOKEN;
    address private immutable OWNER;
    address[] public recipients;

    uint256 public nativeFunded;
    uint256 public tokenFunded;
    uint256 public nativeWithdrawn;
    uint256 public batchesPaid;
    uint256 public repeatsPaid;

    constructor(PayoutVault vault, BlacklistToken token, address owner) {
        (VAULT, TOKEN, OWNER) = (vault, token, owner);
        recipients = [
            address(0xA11CE),
            address(0xB0B),
            address(0xCA401),
            address(new ThirstyRecipient()),
            address(new RevertingRecipient()),
            address(new GasBurner())
        ];
    }

    function fund(uint64 coins, uint64 tokens) external {
        vm.deal(address(VAULT), address(VAULT).balance + coins);
        TOKEN.mint(address(VAULT), tokens);
        nativeFunded += coins;
        tokenFunded += tokens;
    }

    function payNative(uint256 seed) external {
        VAULT.payNative(VAULT.seq(address(this)), batchOf(seed, address(VAULT).balance));
        ++batchesPaid;
    }

    function payToken(uint256 seed) external {
        TOKEN.blacklist(recipients[0], seed % 3 == 0);
        bytes32[] memory payments = batchOf(seed, TOKEN.balanceOf(address(VAULT)));
        VAULT.payToken(address(TOKEN), VAULT.seq(address(this)), payments);
        ++batchesPaid;
    }

    function repeat(uint256 seed) external {
        uint256 next = VAULT.seq(address(this));
        if (next == 0) return;

        try VAULT.payNative(seed % next, batchOf(seed, address(VAULT).balance)) {
            ++repeatsPaid;
        } catch {}
    }

    function withdraw(uint256 seed) external {
        uint256 amount = seed % (address(VAULT).balance + 1);
        vm.prank(OWNER);
        VAULT.withdraw(address(0), OWNER, amount);
        nativeWithdrawn += amount;
    }

    function nativeReceived() external view returns (uint256 sum) {
        for (uint256 i; i < recipients.length; ++i) {
            sum += recipients[i].balance;
        }
    }

    function tokenReceived() external view returns (uint256 sum) {
        for (uint256 i; i < recipients.length; ++i) {
            sum += TOKEN.balanceOf(recipients[i]);
        }
    }

    /// @dev Up to `BATCH_MAX` payments that together need no more than `funds`.
    function batchOf(uint256 seed, uint256 funds) private view returns (bytes32[] memory payments) {
        payments = new bytes32[](seed % (BATCH_MAX + 1));
        for (uint256 i; i < payments.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 amount = random % (funds / BATCH_MAX + 1);
            payments[i] = bytes32(bytes20(recipients[random % recipients.length])) | bytes32(amount);
        }
    }
}
