// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ColdOwned} from "./ColdOwned.sol";
import {IVaultOrders, Vault} from "./Vault.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

/// @title The deposit addresses, and the only way money leaves them
/// @notice A deposit address is the CREATE2 address (EIP-1014) of a vault that does not exist yet. Nobody has a
/// key for it. A sweeper chooses when it is emptied; the cold owner chooses where the money may go.
/// @dev Its constructor takes nothing that differs between chains, so the deterministic deployer gives it one
/// address everywhere, and what was sent on a wrong chain can still be fetched. In all calls and events the token
/// `address(0)` means the native coin; amounts are base units (wei for the native coin).
contract VaultFactory is ColdOwned, IVaultOrders {
    /// @notice The gas one vault may use. A CREATE2 onto a used address burns all it is given (EIP-684): without
    /// a cap, one such vault would take the whole batch with it.
    uint256 public constant VAULT_GAS_MAX = 300_000;

    /// @dev What must be left before a vault is tried, so that the cap is really there for it: a call gets at most
    /// 63/64 of what is left (EIP-150). The rest pays for the call and for the log of a failure.
    uint256 private constant GAS_BEFORE_VAULT = 315_000;

    /// @notice keccak256 of the vault's init code: the last word of the address formula of EIP-1014.
    bytes32 public immutable VAULT_INIT_CODE_HASH = keccak256(type(Vault).creationCode);

    /// @notice Who may start a sweep.
    mapping(address => bool) public isSweeper;

    /// @notice Where swept money may go.
    mapping(address => bool) public isDestination;

    // The order of the vault being created. Written just before the creation and read as the vault's first act,
    // so nothing runs in between that could replace it.
    address private transient _token;
    address payable private transient _to;
    uint256 private transient _amount;

    /// @notice A sweeper was let in or shut out.
    event SweeperSet(address indexed sweeper, bool allowed);

    /// @notice A destination was allowed or forbidden.
    event DestinationSet(address indexed destination, bool allowed);

    /// @notice `amount` of `token` arrived at `to`. For a token this is the measured growth of its balance, which a
    /// fee makes less than what the vault held.
    event Swept(bytes32 indexed salt, address indexed token, address to, uint256 amount);

    /// @notice Nothing moved from this vault; what it holds stays where it is and can be tried again.
    event SweepFailed(bytes32 indexed salt, address indexed token);

    error NotSweeper(address caller);
    error NotDestination(address to);
    error NotSelf(address caller);
    error BadDestination(address destination);
    error TokenHasNoCode(address token);
    error VaultHasCode(address vault);
    error NothingArrived(address token, address vault);
    error GasTooLow(uint256 left, uint256 needed);

    /// @param owner the cold owner; the same on every chain, since it is part of the factory's address
    constructor(address owner) ColdOwned(owner) {}

    /// @notice Lets `sweeper` start sweeps, or shuts it out. Owner only.
    function setSweeper(address sweeper, bool allowed) external onlyOwner {
        isSweeper[sweeper] = allowed;
        emit SweeperSet(sweeper, allowed);
    }

    /// @notice Allows swept money to go to `destination`, or forbids it. Owner only.
    /// @dev Reverts with `BadDestination` for the zero address and for the factory: money would be lost there.
    function setDestination(address destination, bool allowed) external onlyOwner {
        if (destination == address(0) || destination == address(this)) revert BadDestination(destination);

        isDestination[destination] = allowed;
        emit DestinationSet(destination, allowed);
    }

    /// @notice Empties the vaults of `salts` into `to`. Sweepers only, allowed destinations only. A vault that
    /// holds nothing is passed over; one that fails is logged as `SweepFailed` and does not stop the others.
    /// @param token the token to move; native coin at the same addresses goes along. `address(0)` moves the
    /// native coin alone
    /// @dev No sweep runs inside another, so nothing is measured twice: what a vault may use is less than what a
    /// sweep asks to be left. Reverts with `NotSweeper`, `NotDestination`, `TokenHasNoCode`, or `GasTooLow` when
    /// the gas left could make a vault fail that would otherwise work.
    function sweep(address token, address to, bytes32[] calldata salts) external {
        if (!isSweeper[msg.sender]) revert NotSweeper(msg.sender);
        if (!isDestination[to]) revert NotDestination(to);
        if (token != address(0) && token.code.length == 0) revert TokenHasNoCode(token);

        for (uint256 i; i < salts.length; ++i) {
            if (gasleft() < GAS_BEFORE_VAULT) revert GasTooLow(gasleft(), GAS_BEFORE_VAULT);

            try this.sweepOne{gas: VAULT_GAS_MAX}(token, payable(to), salts[i]) {}
            catch {
                emit SweepFailed(salts[i], token);
            }
        }
    }

    /// @notice One vault's part of a sweep, in a frame of its own so that it fails alone. The factory only.
    function sweepOne(address token, address payable to, bytes32 salt) external {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
        address vault = vaultOf(salt);
        if (vault.code.length != 0) revert VaultHasCode(vault);

        uint256 coins = vault.balance;
        if (token != address(0)) {
            if (!_sweepToken(token, to, salt, vault)) return;
        } else {
            if (coins == 0) return;
            _createVault(salt, token, to, 0);
        }

        if (coins != 0) emit Swept(salt, address(0), to, coins);
    }

    /// @inheritdoc IVaultOrders
    function order() external view returns (address token, address payable to, uint256 amount) {
        return (_token, _to, _amount);
    }

    /// @notice The deposit address of `salt`.
    function vaultOf(bytes32 salt) public view returns (address) {
        return Create2.computeAddress(salt, VAULT_INIT_CODE_HASH);
    }

    /// @dev False when the vault holds none of the token.
    function _sweepToken(address token, address payable to, bytes32 salt, address vault) private returns (bool) {
        uint256 held = IERC20(token).balanceOf(vault);
        if (held == 0) return false;

        uint256 before = IERC20(token).balanceOf(to);
        _createVault(salt, token, to, held);
        uint256 arrived = IERC20(token).balanceOf(to) - before;
        if (arrived == 0) revert NothingArrived(token, vault);

        emit Swept(salt, token, to, arrived);
        return true;
    }

    function _createVault(bytes32 salt, address token, address payable to, uint256 amount) private {
        (_token, _to, _amount) = (token, to, amount);
        new Vault{salt: salt}();
    }
}
