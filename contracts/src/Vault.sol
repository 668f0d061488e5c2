// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @notice What a vault asks of the contract that creates it.
interface IVaultOrders {
    /// @return token the ERC-20 token to send; not read when `amount` is zero
    /// @return to who receives the tokens and the native coin
    /// @return amount how much of `token` to send, in its base units
    function order() external view returns (address token, address payable to, uint256 amount);
}

/// @title A deposit address that exists for one transaction
/// @notice Empties its own address while it is being created, then disappears. Because a contract created and
/// destroyed in one transaction is deleted completely (EIP-6780), the address never keeps code: a plain
/// 21,000-gas payment always works, and the same address can be swept again and again.
/// Native coin that reaches the address later in the same transaction is destroyed with it; so a sweeper must not
/// be a contract that others can make do more than sweep.
/// @dev No constructor arguments: the orders come by a call back, so that the init code is a constant and the
/// address depends on the factory and the salt only (EIP-1014).
contract Vault {
    using SafeERC20 for IERC20;

    constructor() {
        (address token, address payable to, uint256 amount) = IVaultOrders(msg.sender).order();

        if (amount != 0) IERC20(token).safeTransfer(to, amount);
        // Moves the native coin without calling `to`, which may be a contract that cannot receive it.
        selfdestruct(to);
    }
}
